package mistake

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"pipec/grammar/diag"
	"pipec/grammar/token"
)

// shiftedFact: an earlier line in the braces has a word too much or too few, which made the parser take the first word of the next line.
func shiftedFact(s *scene) *finding {
	if s.kind != facts {
		return nil
	}
	for from := s.braces + 1; from < s.at; {
		_, to := s.o.Item(from, s.braces)
		blame, alone := s.misfit(from, to)
		if blame > 0 && to <= s.at+1 {
			f := &finding{at: blame, d: diag.New(diag.Error, "P101", token.Span(s.o.Tokens[blame]), "`%s` does not fit here", Shown(s.o.Tokens[blame]))}
			if alone {
				f.d.Code, f.d.Message = "P116", "`"+s.o.Tokens[blame].Value+"` has no value"
				f.d.WithHelp("%s", itemHelp[facts][1])
			}
			return f
		}
		if from = to; from < s.at && s.o.Tokens[from].Value == "," {
			from++
		}
	}
	return nil
}

// misfit is the token that makes the item from..to no fact, or 0; alone says that the fact is one word.
func (s *scene) misfit(from, to int) (at int, alone bool) {
	first, second := s.o.Tokens[from], s.o.Token(from+1)
	switch {
	case first.Type != token.Ident || token.IsStandIn(first):
		return 0, false
	case to-from == 1 || to-from == 2 && second.Value == "every":
		return from, true
	case second.Value == "=" && to-from == 4 && oneValue(s.o.Tokens[from+2]) && s.o.Tokens[from+3].Type == token.Ident:
		return from + 3, false // `start = "x" latest`
	case second.Type != token.Ident || to-from < 3:
		return 0, false
	case first.Value == "watermark" || first.Value == "key" || first.Value == "errors" || second.Value == "every":
		return 0, false
	}
	if third := s.o.Tokens[from+2]; third.Value == "{" || token.IsStandIn(third) {
		return 0, false
	}
	return from + 2, false
}

// misspeltSchema: `shema { id: int }`.
func misspeltSchema(s *scene) *finding {
	if s.kind != facts || s.braces < 1 || s.t.Type != token.Ident || s.o.Token(s.at+1).Value != ":" || s.o.Token(s.at+2).Type != token.Ident {
		return nil
	}
	word := s.o.Tokens[s.braces-1]
	similar := diag.Nearest(word.Value, []string{"schema"}) != "" || slices.Contains([]string{"columns", "fields", "struct", "record", "table"}, word.Value)
	if !similar || !s.o.FirstOfLine(s.braces-1) {
		return nil
	}
	f := &finding{at: s.braces - 1, d: diag.New(diag.Error, "P101", token.Span(word), "columns stand in a `schema`")}
	f.d.With("did you mean `schema`?").WithFix(token.Span(word), "schema")
	return f.replace(s.braces-1, s.braces, word, "schema")
}

// emptyStage: `|>` with nothing behind it.
func emptyStage(s *scene) *finding {
	if s.before.Value != "|>" || s.t.Value != "|>" && !s.t.EOF() {
		return nil
	}
	f := s.found("P101", "there is no stage behind this `|>`")
	f.d.Span = token.Span(s.before)
	f.d.With("remove it, or write a stage").WithFix(f.d.Span, "")
	f.repair = &Edit{From: s.at - 1, To: s.at}
	return f
}

// missingPipe: a stage on a line of its own, without `|>`.
func missingPipe(s *scene) *finding {
	if !pipelines[s.o.Tokens[0].Value] || s.braces >= 0 || s.t.Type != token.Ident || !s.newLine() || !verbs[s.t.Value] || s.before.Value == "," {
		return nil
	}
	f := s.found("P114", "a stage starts with `|>`")
	f.d.With("write `|> %s`", s.t.Value).WithFix(token.Span(s.t), "|> "+s.t.Value)
	return f.insert(s.at, s.t, "|>")
}

// foreignPipe: `|` or `->` where a stage begins.
func foreignPipe(s *scene) *finding {
	if s.t.Value != "|" || s.braces >= 0 {
		return nil
	}
	f := s.found("P114", "a stage starts with `|>`")
	f.d.With("write `|>`").WithFix(token.Span(s.t), "|>")
	return f.replace(s.at, s.at+1, s.t, "|>")
}

// assignment: `=` behind a value.
func assignment(s *scene) *finding {
	if s.t.Value != "=" || s.expected == "`:`" || !EndsValue(s.before) {
		return nil
	}
	if !s.inStage() && s.kind != statements && s.o.Tokens[0].Value != "function" {
		return nil
	}
	f := s.found("P110", "`=` gives a name to a value; it does not compare")
	f.d.With("did you mean `==`?").WithFix(token.Span(s.t), "==")
	return f.replace(s.at, s.at+1, s.t, "==")
}

// EndsValue reports whether an expression may end with t.
func EndsValue(t lexer.Token) bool {
	return t.Type != token.Punct && t.Type != 0 || t.Value == ")" || t.Value == "]" || t.Value == "}"
}

// spokenDuration: `1 hour`.
func spokenDuration(s *scene) *finding {
	unit, time := token.Unit(s.t.Value)
	if unit == "" || s.t.Type != token.Ident || s.before.Type != token.Int || s.newLine() {
		return nil
	}
	what, write := "duration", s.before.Value+unit
	kind := token.Duration
	if !time {
		what, kind = "size", token.Size
	}
	f := s.found("P104", "a %s is one word", what)
	f.d.Span = token.Span(s.before).To(token.Span(s.t))
	f.d.With("write `%s`", write).WithFix(f.d.Span, write)
	f.repair = &Edit{From: s.at - 1, To: s.at + 1, Insert: []lexer.Token{{Type: kind, Value: write, Pos: s.before.Pos}}}
	return f
}

// sqlWord: `AND`, `is null`, `like` behind a value.
func sqlWord(s *scene) *finding {
	d := SQLSpelling(s.t, s.before)
	if d == nil || !EndsValue(s.before) || s.newLine() && !token.Reserved[strings.ToLower(s.t.Value)] {
		return nil
	}
	f := &finding{d: d}
	next, third := s.o.Token(s.at+1), s.o.Token(s.at+2)
	switch {
	case strings.EqualFold(s.t.Value, "is") && strings.EqualFold(next.Value, "null"):
		f.repair = &Edit{From: s.at, To: s.at + 2, Insert: []lexer.Token{Inserted(s.t, "=="), null(next)}}
	case strings.EqualFold(s.t.Value, "is") && strings.EqualFold(next.Value, "not") && strings.EqualFold(third.Value, "null"):
		f.repair = &Edit{From: s.at, To: s.at + 3, Insert: []lexer.Token{Inserted(s.t, "!="), null(third)}}
	case d.Fix != nil:
		return f.replace(s.at, s.at+1, s.t, d.Fix.Text)
	}
	return f
}

// nameBehind: `sum(x) as total`.
func nameBehind(s *scene) *finding {
	if !strings.EqualFold(s.t.Value, "as") || !listVerbs[s.verb] || s.braces >= s.stage || !EndsValue(s.before) {
		return nil
	}
	f := s.found("P111", "`%s` is SQL spelling", s.t.Value)
	f.d.With("the name comes first: `name = value`")
	return f
}

// null is the word that stands for SQL's NULL.
func null(t lexer.Token) lexer.Token {
	return lexer.Token{Type: token.Word, Value: "null", Pos: t.Pos}
}

// sqlWords are the words that people who write SQL put between two values, and what to write instead.
var sqlWords = map[string]string{
	"and": "write `and`", "or": "write `or`", "not": "write `not`", "in": "write `in`", "is": "write `== null` or `!= null`",
	"like": "write `matches`, `contains`, `startsWith` or `endsWith`", "ilike": "write `matches`, `contains`, `startsWith` or `endsWith`",
	"rlike": "write `matches`", "between": "write `x in a..b` or `a <= x <= b`", "isnull": "write `== null`", "notnull": "write `!= null`",
	"mod": "write `%`", "div": "write `div(a, b)`",
}

// SQLSpelling is the diagnostic for a word of SQL behind a value, or nil.
func SQLSpelling(t, before lexer.Token) *diag.Diagnostic {
	write, ok := sqlWords[strings.ToLower(t.Value)]
	if !ok || t.Type != token.Ident || before.Type == token.Punct && token.BracketStep(before) >= 0 {
		return nil
	}
	d := diag.New(diag.Error, "P111", token.Span(t), "`%s` is SQL spelling", t.Value).With("%s", write)
	if word := strings.ToLower(t.Value); token.Reserved[word] {
		d.WithFix(token.Span(t), word)
	}
	return d
}

// unnamedValue: `aggregate sum(x)`, perhaps with its name behind it.
func unnamedValue(s *scene) *finding {
	named := s.verb == "derive" || s.verb == "set" || s.verb == "aggregate"
	if !named || s.expected != "`=`" || s.before.Type != token.Ident || s.t.Type == token.Ident || s.newLine() || s.t.EOF() {
		return nil
	}
	end := s.at
	for ; end < s.end && s.o.Tokens[end].Value != "," && s.o.Tokens[end].Pos.Line == s.t.Pos.Line; end++ {
		if close := s.o.partner[end]; close > end {
			end = close
		}
		if next := s.o.Token(end + 1); strings.EqualFold(next.Value, "as") && s.o.Token(end+2).Type == token.Ident {
			f := &finding{d: diag.New(diag.Error, "P111", token.Span(next), "`%s` is SQL spelling", next.Value)}
			f.d.With("write `%s = %s`", s.o.Token(end+2).Value, spelled(s.o.Tokens[s.at-1:end+1]))
			return f
		}
	}
	f := s.found("P101", "a value needs a name here")
	f.d.Span = token.Span(s.before).To(token.Span(s.o.Tokens[end-1]))
	f.d.With("write `name = %s`", spelled(s.o.Tokens[s.at-1:end]))
	return f
}

// comparedState: `n == 5` as a statement.
func comparedState(s *scene) *finding {
	next := s.o.Token(s.at + 1)
	if s.kind != statements || s.t.Type != token.Ident || next.Value != "==" {
		return nil
	}
	f := &finding{d: diag.New(diag.Error, "P101", token.Span(next), "`==` compares; a state is set with `=`")}
	f.d.With("write `=`").WithFix(token.Span(next), "=")
	return f.replace(s.at+1, s.at+2, next, "=")
}

// byOnAggregate: `aggregate total = sum(x) by customer`.
func byOnAggregate(s *scene) *finding {
	by := s.t.Value == "by" || s.t.Value == "group" && s.o.Token(s.at+1).Value == "by" || s.t.Value == "over"
	if s.verb != "aggregate" && s.verb != "count" || !by {
		return nil
	}
	f := s.found("P113", "`%s` takes no `%s`", s.verb, s.t.Value)
	f.d.With("the key is said in its own stage").WithHelp("put `|> key by ...` before this stage")
	return f
}

// keyWithoutBy: `key id`.
func keyWithoutBy(s *scene) *finding {
	if s.verb != "key" || s.at != s.stage+1 || s.t.Type != token.Ident {
		return nil
	}
	last := s.at
	for last+1 < s.end && s.o.Tokens[last+1].Pos.Line == s.t.Pos.Line && s.o.Tokens[last+1].Value != "with" {
		last++
	}
	key := token.Span(s.before)
	f := s.found("P115", "the stage is called `key by`")
	f.d.Span = key.To(token.Span(s.o.Tokens[last]))
	f.d.With("write `key by %s`", spelled(s.o.Tokens[s.at:last+1])).WithFix(key, "key by")
	return f.insert(s.at, s.t, "by")
}

// spelled is tokens on one line, as they are written.
func spelled(tokens []lexer.Token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && tokens[i-1].Pos.Offset+len(tokens[i-1].Value) != t.Pos.Offset {
			b.WriteByte(' ')
		}
		b.WriteString(t.Value)
	}
	return b.String()
}

// unknownStage: a word that starts no stage, with something behind it that no declared pipe has.
func unknownStage(s *scene) *finding {
	if !s.inStage() || s.stage >= len(s.o.Tokens) {
		return nil
	}
	first := s.o.Tokens[s.stage]
	if first.Type != token.Ident && first.Type != token.Word || verbs[first.Value] || token.IsStandIn(first) {
		if first.Type != token.Ident || !slices.Contains([]string{"left", "full", "semi", "anti"}, first.Value) || s.at > s.stage+1 {
			return nil
		}
	}
	f := &finding{d: diag.New(diag.Error, "P120", token.Span(first), "there is no stage called `%s`", first.Value)}
	verb, help := SuggestStage(first.Value)
	if slices.Contains([]string{"left", "full", "semi", "anti"}, verb) {
		verb += " join"
	}
	if help != "" {
		f.d.WithHelp("%s", help)
	}
	if verb == "" {
		return f
	}
	f.d.With("did you mean `%s`?", verb)
	length := 1
	if second := s.o.Token(s.stage + 1); verb == "key by" && second.Value == "by" {
		verb = "key"
	} else if second.Value == verb {
		length = 2 // `inner join`
	} else if strings.Contains(verb, " ") {
		return f
	}
	f.d.WithFix(token.Span(first), verb)
	return f.replace(s.stage, s.stage+length, first, verb)
}

// listVerbs have items with commas between them.
var listVerbs = map[string]bool{
	"derive": true, "set": true, "select": true, "aggregate": true, "rename": true, "drop": true, "key": true, "union": true, "into": true,
}

// missingComma: two items with nothing between them.
func missingComma(s *scene) *finding {
	startsItem := s.t.Type == token.Ident || s.t.Type == token.String || s.t.Type == token.Int
	if !startsItem || !EndsValue(s.before) || !listVerbs[s.verb] || s.at <= s.stage+1 || ClauseWords[s.t.Value] && s.o.Token(s.at+1).Value != "=" {
		return nil
	}
	named := s.verb != "select" && s.verb != "drop" && s.verb != "key" && s.verb != "union" && s.verb != "into"
	if inner := s.braces > s.stage; inner || named && s.o.Token(s.at+1).Value != "=" {
		return nil
	}
	f := s.found("P112", "a comma is missing between two items")
	f.d.Span = token.Span(s.before).After()
	f.d.With("add `,` here").WithFix(f.d.Span, ",")
	return f.insert(s.at, s.t, ",")
}

// settingWithoutEquals: `topic "out"`, `topic: "out"`.
func settingWithoutEquals(s *scene) *finding {
	if s.kind != facts {
		return nil
	}
	next := s.o.Token(s.at + 1)
	if s.t.Type == token.Ident && (next.Value == ":" || next.Value == "==") {
		f := &finding{d: diag.New(diag.Error, "P116", token.Span(next), "a setting is written `name = value`")}
		f.d.With("write `=`").WithFix(token.Span(next), "=")
		return f.replace(s.at+1, s.at+2, next, "=")
	}
	value := next
	at := s.at + 1
	if s.t.Type != token.Ident { // the name was taken for something else: `key "x"`
		value, at = s.t, s.at
	}
	if name := at - 1; name < 1 || s.o.Tokens[name].Type != token.Ident || !s.o.FirstOfLine(name) && s.o.Tokens[name-1].Value != "{" && s.o.Tokens[name-1].Value != "," {
		return nil
	}
	if !startsLiteral(value) || s.o.FirstOfLine(min(at, len(s.o.Tokens)-1)) {
		return nil
	}
	f := &finding{d: diag.New(diag.Error, "P116", token.Span(value), "a setting is written `name = value`")}
	f.d.With("add `=` before this")
	f.d.Fix = &diag.Fix{Span: token.Span(value), Text: "= "}
	f.d.Fix.Span.End = f.d.Fix.Span.Start
	return f.insert(at, value, "=")
}

// oneValue reports whether t alone is a value.
func oneValue(t lexer.Token) bool {
	return t.Type == token.Ident || t.Type != token.Punct && startsLiteral(t)
}

// startsLiteral reports whether a value that is no name may start with t.
func startsLiteral(t lexer.Token) bool {
	switch t.Type {
	case token.String, token.Raw, token.Int, token.Number, token.Duration, token.Size, token.Bad:
		return true
	}
	return t.Value == "true" || t.Value == "false" || t.Value == "[" || t.Value == "-"
}

// columnWithoutColon: `id int`, `id = int`.
func columnWithoutColon(s *scene) *finding {
	what := "a column"
	switch {
	case s.kind == columns:
	case s.kind == members && s.expected == "`:`":
		what = "a state"
	case s.o.Tokens[0].Value == "param" && s.expected == "`:`":
		what = "a parameter"
	default:
		return nil
	}
	if s.before.Type != token.Ident || s.newLine() {
		return nil
	}
	f := s.found("P117", "%s is written `name: type`", what)
	if s.t.Value == "=" {
		f.d.With("write `:`").WithFix(token.Span(s.t), ":")
		return f.replace(s.at, s.at+1, s.t, ":")
	}
	if s.t.Type != token.Ident && s.t.Type != token.String && s.t.Value != "{" {
		return nil
	}
	at := f.d.Span
	at.End = at.Start
	f.d.With("add `:` before this").WithFix(at, ": ")
	return f.insert(s.at, s.t, ":")
}

// missingType: `name:` with nothing behind it; the name of the next line was taken for the type.
func missingType(s *scene) *finding {
	colon := s.at - 1
	if s.t.Value == ":" && s.o.FirstOfLine(s.at-1) {
		colon = s.at - 2
	}
	if s.kind != columns && s.kind != members && s.o.Tokens[0].Value != "param" || colon < 1 || s.o.Tokens[colon].Value != ":" {
		return nil
	}
	if s.t.Type == token.Word || s.t.Type == token.Int {
		return nil
	}
	f := &finding{at: colon, d: diag.New(diag.Error, "P101", token.Span(s.o.Tokens[colon]).After(), "a type is missing behind `:`")}
	f.d.WithHelp("types are int, float, decimal(p, s), string, bool, timestamp, duration, bytes, list<T>, map<K, V>, records and words")
	return f
}

// reservedName: a word of expressions where a name is expected.
func reservedName(s *scene) *finding {
	names := s.kind == columns || s.kind == facts || slices.Contains([]string{"a name", "`name = value`", "`new = old`"}, s.expected)
	if s.t.Type != token.Word || !names {
		return nil
	}
	f := s.found("P101", "`%s` is a reserved word of expressions: it cannot be a name", s.t.Value)
	if s.verb != "set" { // which replaces a column that cannot be there
		f.repair = &Edit{From: s.at, To: s.at + 1, Insert: []lexer.Token{{Type: token.Ident, Value: s.t.Value, Pos: s.t.Pos}}}
	}
	if s.kind == columns {
		f.d.WithHelp("give the column another name, and say what it is called outside: `a_name: string from \"%s\"`", s.t.Value)
	}
	return f
}

// quotedName: a name in quotes.
func quotedName(s *scene) *finding {
	if s.t.Type != token.String || s.expected != "a name" && s.kind != columns {
		return nil
	}
	inner := s.t.Value[1 : len(s.t.Value)-1]
	f := s.found("P101", "a name is written without quotes")
	if inner != "" && token.WordLen(inner) == len(inner) && !token.Reserved[inner] {
		f.d.With("write `%s`", inner).WithFix(token.Span(s.t), inner)
		f.repair = &Edit{From: s.at, To: s.at + 1, Insert: []lexer.Token{{Type: token.Ident, Value: inner, Pos: s.t.Pos}}}
	} else if s.kind == columns {
		f.d.WithHelp("a column whose name is no word: `a_name: string from %s`", s.t.Value)
	}
	return f
}

// namelessDeclaration: `source from kafka`.
func namelessDeclaration(s *scene) *finding {
	first, second := s.o.Tokens[0], s.o.Token(1)
	if s.at != 2 || second.Value != "from" && second.Value != "into" || first.Value != "source" && first.Value != "table" && first.Value != "sink" {
		return nil
	}
	f := s.found("P101", "this %s has no name", first.Value)
	f.d.Span = token.Span(first)
	word := "from"
	if first.Value == "sink" {
		word = "into"
	}
	f.d.With("write `%s name %s %s`", first.Value, word, s.t.Value)
	return f
}

// itemHelp says what the items in braces look like.
var itemHelp = map[braceKind][2]string{
	facts:      {"this is not a setting", "write `name = value`, `name word { ... }` or `name every duration`"},
	columns:    {"this is not a column", "a column is written `name: type`"},
	branches:   {"this is not a branch", "write `name when condition` or `name otherwise`"},
	defines:    {"this is not part of a pattern", "write `step when condition`, and at the end `select ...`"},
	members:    {"this is not part of a process", "a process holds `state name: type`, `timer name` and `on event { ... }`, `on timer name { ... }`, `on end { ... }`"},
	statements: {"this is not a statement", "statements are `name = value`, `let`, `if`, `emit`, `clear`, `schedule` and `cancel`"},
}

// strangeItem: something in braces that no item begins with.
func strangeItem(s *scene) *finding {
	help, ok := itemHelp[s.kind]
	if !ok || s.expected != "`}`" || s.t.EOF() {
		return nil
	}
	f := s.found("P101", "%s", help[0])
	if end := s.o.partner[s.braces]; s.kind == facts && s.t.Type == token.Ident && (s.at+1 >= end || s.o.FirstOfLine(s.at+1)) {
		f.d.Code, f.d.Message = "P116", "`"+s.t.Value+"` has no value"
	}
	f.d.WithHelp("%s", help[1])
	return f
}
