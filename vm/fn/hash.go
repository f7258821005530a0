package fn

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"

	"github.com/cespare/xxhash/v2"

	"pipec/vm/value"
)

func hashes() []*Spec {
	digested := kinds("a string or bytes", value.String, value.Bytes)
	return inFamily("hash", []*Spec{
		{Name: "hash", Doc: "A 64-bit hash of a value of any type, null included: xxh64 of its key encoding. It is the same in every run and every release.", Params: []string{"x"},
			Check: takes(gives(value.Int), anything), KeepsNull: true, Eval: hash, Examples: []Example{{`hash("a") == hash("a")`, `true`}, {`hash("a") == hash("b")`, `false`}}},
		{Name: "md5", Doc: "The MD5 digest in hexadecimal.", Params: []string{"x: string or bytes"}, Check: takes(gives(value.String), digested), Flink: "MD5($1)",
			Eval: func(c *Call) {
				mapText(c, func(dst, b []byte) []byte { d := md5.Sum(b); return hex.AppendEncode(dst, d[:]) })
			},
			Examples: []Example{{`md5("")`, `"d41d8cd98f00b204e9800998ecf8427e"`}}},
		{Name: "sha256", Doc: "The SHA-256 digest in hexadecimal.", Params: []string{"x: string or bytes"}, Check: takes(gives(value.String), digested), Flink: "SHA256($1)",
			Eval: func(c *Call) {
				mapText(c, func(dst, b []byte) []byte { d := sha256.Sum256(b); return hex.AppendEncode(dst, d[:]) })
			},
			Examples: []Example{{`sha256("abc")`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`}}},
	})
}

func hash(c *Call) {
	key := cached(c, func() *[]byte { return new([]byte) })
	for _, r := range c.Rows {
		*key = value.AppendKey((*key)[:0], c.Args[0], c.Types[0], int(r))
		c.Out.I64[r] = int64(xxhash.Sum64(*key))
	}
}
