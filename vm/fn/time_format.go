package fn

import (
	"fmt"
	"strings"

	"pipec/vm/value"
)

func timeFormats() []*Spec {
	const doc = " in the job's time zone. The pattern is made of yyyy yy MM M dd d HH H mm ss, S for each digit of the fraction (at most 6), MMM and EEE for English names," +
		" XXX for the offset, and 'text'; other letters are an error."
	return inFamily("time", []*Spec{
		{Name: "format_time", Doc: "The instant as text," + doc, Params: []string{"at: timestamp", "pattern: constant string"}, Flink: "DATE_FORMAT($1, $2)",
			Check: constantText(takes(gives(value.String), aTime, aText), 1, timePattern), Eval: formatTime,
			Examples: []Example{{`format_time(timestamp("2024-05-03T14:15:16.25Z"), "yyyy-MM-dd HH:mm:ss.SSS")`, `"2024-05-03 14:15:16.250"`},
				{`format_time(timestamp("2024-05-03T04:05:06Z"), "EEE d MMM yy, H 'h'")`, `"Fri 3 May 24, 4 h"`}}},
		{Name: "parse_time", Doc: "The instant that the text describes," + doc, Params: []string{"text: string", "pattern: constant string"}, CanFail: true, Flink: "TO_TIMESTAMP_LTZ($1, $2)",
			Check: constantText(takes(gives(value.Timestamp), aText), 1, timePattern), Eval: func(c *Call) { parseTime(c, false) },
			Examples: []Example{{`string(parse_time("03.05.2024 14:15", "dd.MM.yyyy HH:mm"))`, `"2024-05-03T14:15:00Z"`}, {`string(parse_time("2024-05-03T14:15+02:00", "yyyy-MM-dd'T'HH:mmXXX"))`, `"2024-05-03T12:15:00Z"`}}},
		{Name: "try_parse_time", Doc: "As parse_time, but null for what does not fit the pattern.", Params: []string{"text: string", "pattern: constant string"}, CanNull: true,
			Check: constantText(takes(gives(value.Timestamp), aText), 1, timePattern), Eval: func(c *Call) { parseTime(c, true) },
			Examples: []Example{{`try_parse_time("2024-13-01", "yyyy-MM-dd")`, `null`}}},
	})
}

// token is one piece of a pattern: a letter repeated n times, or (letter 0) a text.
type token struct {
	letter byte
	n      int
	text   string
}

// tokens are the letters with the counts that have a meaning.
var widths = map[byte]string{'y': "2 4", 'M': "1 2 3", 'd': "1 2", 'H': "1 2", 'm': "2", 's': "2", 'S': "1 2 3 4 5 6", 'E': "3", 'X': "3"}

func timePattern(pattern string) error {
	_, err := scanPattern(pattern)
	return err
}

func scanPattern(pattern string) ([]token, error) {
	var ts []token
	for i := 0; i < len(pattern); {
		ch := pattern[i]
		if ch == '\'' {
			end := strings.IndexByte(pattern[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("the quote in the pattern %q is not closed", pattern)
			}
			text := pattern[i+1 : i+1+end]
			if text == "" {
				text = "'"
			}
			ts, i = append(ts, token{text: text}), i+end+2
			continue
		}
		if ch|0x20 < 'a' || ch|0x20 > 'z' {
			ts, i = append(ts, token{text: string(ch)}), i+1
			continue
		}
		n := 1
		for i+n < len(pattern) && pattern[i+n] == ch {
			n++
		}
		if n > 9 || !strings.Contains(widths[ch], string('0'+byte(n))) {
			return nil, fmt.Errorf("%q in the pattern %q has no meaning; put text in single quotes", pattern[i:i+n], pattern)
		}
		ts, i = append(ts, token{letter: ch, n: n}), i+n
	}
	return ts, nil
}

// timing is what a kernel keeps: the scanned pattern and the zone.
type timing struct {
	tokens []token
	zone   *zone
}

func timingOf(c *Call) *timing {
	if t, ok := (*c.Cache).(*timing); ok {
		return t
	}
	t := &timing{zone: zoneOf(c)}
	t.tokens, _ = scanPattern(c.Lits[1].Text) // the checker has seen it
	*c.Cache = t
	return t
}

const (
	monthNames = "JanFebMarAprMayJunJulAugSepOctNovDec"
	dayNames   = "ThuFriSatSunMonTueWed"
)

func formatTime(c *Call) {
	t := timingOf(c)
	writeText(c, func(dst []byte, r int) []byte { return t.format(dst, c.Args[0].I64[r]) })
}

func (t *timing) format(dst []byte, at int64) []byte {
	local := t.zone.local(at)
	day := value.FloorDiv(local, value.Day)
	rest := local - day*value.Day
	year, month, mday := value.CivilOf(day)
	for _, tok := range t.tokens {
		switch tok.letter {
		case 0:
			dst = append(dst, tok.text...)
		case 'y':
			if tok.n == 2 {
				dst = appendPadded(dst, year-value.FloorDiv(year, 100)*100, 2)
			} else {
				dst = appendPadded(dst, year, 4)
			}
		case 'M':
			if tok.n == 3 {
				dst = append(dst, monthNames[3*month-3:3*month]...)
			} else {
				dst = appendPadded(dst, int64(month), tok.n)
			}
		case 'd':
			dst = appendPadded(dst, int64(mday), tok.n)
		case 'H':
			dst = appendPadded(dst, rest/value.Hour, tok.n)
		case 'm':
			dst = appendPadded(dst, rest/value.Minute%60, tok.n)
		case 's':
			dst = appendPadded(dst, rest/value.Second%60, tok.n)
		case 'S':
			dst = append(dst, fmt.Appendf(nil, "%06d", rest%value.Second)[:tok.n]...)
		case 'E':
			k := day - value.FloorDiv(day, 7)*7
			dst = append(dst, dayNames[3*k:3*k+3]...)
		case 'X':
			dst = appendOffset(dst, (local-at)/value.Minute)
		}
	}
	return dst
}

func appendPadded(dst []byte, n int64, width int) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	for limit := int64(10); width > 1; width-- {
		if n < limit {
			dst = append(dst, "000000"[:width-1]...)
			break
		}
		limit *= 10
	}
	return value.AppendInt(dst, n)
}

func appendOffset(dst []byte, minutes int64) []byte {
	if minutes == 0 {
		return append(dst, 'Z')
	}
	sign := byte('+')
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	dst = appendPadded(append(dst, sign), minutes/60, 2)
	return appendPadded(append(dst, ':'), minutes%60, 2)
}

func parseTime(c *Call, try bool) {
	t := timingOf(c)
	for _, r := range c.Rows {
		text := c.Args[0].Text(int(r))
		at, ok := t.parse(text)
		switch {
		case ok:
			c.Out.I64[r] = at
		case try:
			c.Out.SetNull(int(r), c.N)
		default:
			c.Fail(r, codeKind, fmt.Sprintf("%q does not fit the pattern %q", text, c.Lits[1].Text))
		}
	}
}

// fields collects what a text says.
type fields struct {
	year                             int64
	month, day, hour, minute, second int
	micros                           int
	offset                           int64
	zoned                            bool
}

func (t *timing) parse(text []byte) (at int64, ok bool) {
	f := fields{year: 1970, month: 1, day: 1}
	for _, tok := range t.tokens {
		if text, ok = f.take(tok, text); !ok {
			return 0, false
		}
	}
	if len(text) > 0 || f.month < 1 || f.month > 12 || f.day < 1 || f.hour > 23 || f.minute > 59 || f.second > 59 {
		return 0, false
	}
	day := value.DayOf(f.year, f.month, f.day)
	if _, month, mday := value.CivilOf(day); month != f.month || mday != f.day {
		return 0, false // 31 April
	}
	local := day*value.Day + int64(f.hour)*value.Hour + int64(f.minute)*value.Minute + int64(f.second)*value.Second + int64(f.micros)
	if f.zoned {
		return local - f.offset, true
	}
	t.zone.local(local)
	return t.zone.instant(local, -t.zone.offset), true
}

// take reads one token from the start of the text.
func (f *fields) take(tok token, text []byte) (rest []byte, ok bool) {
	n := 0
	switch tok.letter {
	case 0:
		if !strings.HasPrefix(string(text), tok.text) {
			return nil, false
		}
		return text[len(tok.text):], true
	case 'E':
		return cutName(text, dayNames, &n)
	case 'X':
		return f.takeOffset(text)
	case 'S':
		for i := range 6 {
			n *= 10
			if i < tok.n {
				if i >= len(text) || text[i]-'0' > 9 {
					return nil, false
				}
				n += int(text[i] - '0')
			}
		}
		f.micros = n
		return text[tok.n:], true
	case 'M':
		if tok.n == 3 {
			rest, ok = cutName(text, monthNames, &f.month)
			f.month++
			return rest, ok
		}
	}
	rest, ok = cutNumber(text, tok.n, &n)
	switch tok.letter {
	case 'y':
		if f.year = int64(n); tok.n == 2 {
			f.year += 2000
		}
	case 'M':
		f.month = n
	case 'd':
		f.day = n
	case 'H':
		f.hour = n
	case 'm':
		f.minute = n
	case 's':
		f.second = n
	}
	return rest, ok
}

// cutNumber reads width digits, or one or two for a width of 1.
func cutNumber(text []byte, width int, n *int) (rest []byte, ok bool) {
	i := 0
	for i < len(text) && i < max(width, 2) && text[i]-'0' <= 9 {
		*n = *n*10 + int(text[i]-'0')
		i++
	}
	return text[i:], i >= width
}

func cutName(text []byte, names string, n *int) (rest []byte, ok bool) {
	if len(text) < 3 {
		return nil, false
	}
	i := strings.Index(names, string(text[:3]))
	*n = i / 3
	return text[3:], i >= 0 && i%3 == 0
}

func (f *fields) takeOffset(text []byte) (rest []byte, ok bool) {
	f.zoned = true
	if len(text) > 0 && text[0] == 'Z' {
		return text[1:], true
	}
	if len(text) < 6 || text[0] != '+' && text[0] != '-' || text[3] != ':' {
		return nil, false
	}
	var hour, minute int
	_, ok = cutNumber(text[1:3], 2, &hour)
	_, ok2 := cutNumber(text[4:6], 2, &minute)
	f.offset = int64(hour)*value.Hour + int64(minute)*value.Minute
	if text[0] == '-' {
		f.offset = -f.offset
	}
	return text[6:], ok && ok2
}
