package value

import "encoding/binary"

// encodeTexts makes the keys of one column of texts without nulls, as AppendKey does. Most texts are short and have no zero byte: they are copied in words that may reach behind their end.
func (k *Keys) encodeTexts(v *Vec, rows []int32) {
	k.Reset()
	for _, r := range rows {
		w := &v.View[r]
		n := int(w.n)
		if n > InlineView || zeroIn(w) {
			k.Buf = append(k.Buf, 1)
			k.Buf = appendText(k.Buf, v.Text(int(r)))
		} else {
			// Whatever is copied behind the text is overwritten by the two zeros that end the key, or cut off.
			p := len(k.Buf)
			if cap(k.Buf) < p+1+InlineView+2 {
				k.Buf = append(k.Buf, make([]byte, 1+InlineView+2)...)
			}
			key := k.Buf[p : p+1+InlineView+2]
			key[0] = 1
			copy(key[1:], w.b[:])
			key[n+1], key[n+2] = 0, 0
			k.Buf = k.Buf[:p+n+3]
		}
		k.Off = append(k.Off, uint32(len(k.Buf)))
	}
}

// zeroIn says whether a text that lies in its view has a zero byte, which a key must escape.
func zeroIn(w *View) bool {
	const low, high = 0x0101010101010101, 0x8080808080808080
	n := uint(w.n)
	a := binary.LittleEndian.Uint64(w.b[:8]) | ^uint64(0)<<(8*n)
	b := uint64(binary.LittleEndian.Uint32(w.b[8:])) | ^uint64(0)<<(8*max(n, 8)-64)
	return ((a-low)&^a|(b-low)&^b)&high != 0
}
