package plan

import (
	"strconv"
	"strings"

	"pipec/vm/value"
)

// Format is the expression in canonical form over the names of a schema: the same text for the same meaning, however it was written. Signatures of
// states are made of it, so it must not change between releases. Conversions that the compiler put in are left out.
func (e *Expr) Format(s value.Schema) string {
	var b strings.Builder
	(&printer{&b, s}).expr(e, 0)
	return b.String()
}

// printer writes expressions with as few brackets as their precedence allows.
type printer struct {
	*strings.Builder
	schema value.Schema
}

// binary operators by precedence, as in the language.
var precedence = map[Op]int{
	OpOr: 1, OpAnd: 2, OpEq: 3, OpNe: 3, OpLt: 3, OpLe: 3, OpGt: 3, OpGe: 3, OpIn: 3, OpBetween: 3, OpContains: 3, OpStarts: 3, OpEnds: 3,
	OpMatches: 3, OpAdd: 4, OpSub: 4, OpNot: 5, OpMul: 6, OpDiv: 6, OpMod: 6, OpNeg: 7, OpPow: 8, OpCoalesce: 9,
}

// expr writes e, in brackets if an operator that binds as strongly as outer stands around it.
func (p *printer) expr(e *Expr, outer int) {
	own, isOperator := precedence[e.Op]
	if isOperator && own <= outer {
		p.WriteByte('(')
		defer p.WriteByte(')')
	}
	switch e.Op {
	case OpConvert:
		p.expr(e.Args[0], outer)
	case OpNot:
		p.WriteString("not ")
		p.expr(e.Args[0], own)
	case OpNeg:
		p.WriteByte('-')
		p.expr(e.Args[0], own)
	case OpBetween:
		p.expr(e.Args[0], own)
		p.WriteString(" in ")
		p.expr(e.Args[1], own)
		p.WriteString("..")
		p.expr(e.Args[2], own)
	default:
		if isOperator {
			p.expr(e.Args[0], own-1)
			p.WriteString(" " + symbol(e.Op) + " ")
			p.expr(e.Args[1], own)
			return
		}
		p.operand(e)
	}
}

// symbol is an operator as the language writes it.
func symbol(o Op) string {
	if o == OpCoalesce {
		return "??"
	}
	return string(o)
}

// operand writes what needs no brackets.
func (p *printer) operand(e *Expr) {
	switch e.Op {
	case OpColumn:
		if e.Col < len(p.schema.Fields) {
			p.WriteString(p.schema.Fields[e.Col].Name)
		} else {
			p.WriteString(e.Name)
		}
	case OpLiteral:
		p.WriteString(e.Lit.Format(e.Type))
	case OpElem:
		p.WriteByte('#')
	case OpVar:
		if e.Name != "" { // a parameter without a value yet
			p.WriteString(e.Name)
			return
		}
		p.WriteString("let" + strconv.Itoa(e.Col))
	case OpLet:
		p.WriteString("let ")
		p.expr(e.Args[0], 0)
		p.WriteString("; ")
		p.expr(e.Args[1], 0)
	case OpIf:
		p.WriteString("if ")
		p.expr(e.Args[0], 0)
		p.WriteString(" { ")
		p.expr(e.Args[1], 0)
		p.WriteString(" } else { ")
		p.expr(e.Args[2], 0)
		p.WriteString(" }")
	case OpField:
		p.expr(e.Args[0], 99)
		if e.Args[0].Type.Nullable {
			p.WriteByte('?')
		}
		p.WriteString("." + e.Name)
	case OpIndex:
		p.expr(e.Args[0], 99)
		p.list("[", e.Args[1:], ", ", "]")
	case OpSlice:
		p.expr(e.Args[0], 99)
		p.list("[", e.Args[1:], ":", "]")
	case OpList:
		p.list("[", e.Args, ", ", "]")
	case OpRecord:
		p.record(e)
	default: // OpCall, OpEach
		p.list(e.Name+"(", e.Args, ", ", ")")
	}
}

func (p *printer) list(open string, args []*Expr, between, end string) {
	p.WriteString(open)
	for i, a := range args {
		if i > 0 {
			p.WriteString(between)
		}
		p.expr(a, 0)
	}
	p.WriteString(end)
}

func (p *printer) record(e *Expr) {
	p.WriteByte('{')
	for i, a := range e.Args {
		if i > 0 {
			p.WriteString(", ")
		}
		p.WriteString(e.Type.Fields[i].Name + ": ")
		p.expr(a, 0)
	}
	p.WriteByte('}')
}

// Format is the constant as one writes it in a .pipe file; an instant, which has no literal, as RFC 3339.
func (l *Literal) Format(t value.Type) string {
	switch l.Kind {
	case value.Null:
		return "null"
	case value.Bool:
		return strconv.FormatBool(l.Bool)
	case value.Float:
		return string(value.AppendFloat(nil, l.Float))
	case value.Decimal:
		return string(value.AppendDecimal(nil, value.Dec{Hi: l.Hi, Lo: uint64(l.Int)}, int(t.Scale)))
	case value.String, value.Bytes:
		return strconv.Quote(l.Text)
	case value.Secret:
		return "***"
	case value.Timestamp:
		return `timestamp("` + string(value.AppendTime(nil, l.Int)) + `")`
	case value.Duration:
		return string(value.AppendDuration(nil, l.Int))
	}
	return strconv.FormatInt(l.Int, 10)
}
