package fn

import (
	"encoding/binary"
	"encoding/hex"

	"pipec/vm/value"
)

func system() []*Spec {
	return inFamily("system", []*Spec{
		{Name: "now", Doc: "Processing time: when the row is computed. A replay gives another result.", Impure: true, Check: takes(gives(value.Timestamp)), Eval: now, Flink: "CURRENT_TIMESTAMP"},
		{Name: "uuid", Doc: "A random UUID (version 4). A replay gives another result.", Impure: true, Check: takes(gives(value.String)), Eval: uuid, Flink: "UUID()"},
		{Name: "random", Doc: "A random float from 0 up to, not including, 1. A replay gives another result.", Impure: true, Check: takes(gives(value.Float)), Eval: random, Flink: "RAND()"},
	})
}

func now(c *Call) {
	at := int64(0)
	if c.Env != nil && c.Env.Now != nil {
		at = c.Env.Now().UnixMicro()
	}
	for _, r := range c.Rows {
		c.Out.I64[r] = at
	}
}

func bits(c *Call) uint64 {
	if c.Env == nil || c.Env.Rand == nil {
		return 0
	}
	return c.Env.Rand()
}

func random(c *Call) {
	for _, r := range c.Rows {
		c.Out.F64[r] = float64(bits(c)>>11) / (1 << 53)
	}
}

func uuid(c *Call) {
	writeText(c, func(dst []byte, _ int) []byte {
		var b [16]byte
		binary.BigEndian.PutUint64(b[:], bits(c))
		binary.BigEndian.PutUint64(b[8:], bits(c))
		b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
		for i, end := range [...]int{4, 6, 8, 10, 16} {
			from := [...]int{0, 4, 6, 8, 10}[i]
			if i > 0 {
				dst = append(dst, '-')
			}
			dst = hex.AppendEncode(dst, b[from:end])
		}
		return dst
	})
}
