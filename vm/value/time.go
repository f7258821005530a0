package value

// Microseconds of the units of durations. A day is 24 hours, a week 7 days.
const (
	Millisecond int64 = 1000
	Second            = 1000 * Millisecond
	Minute            = 60 * Second
	Hour              = 60 * Minute
	Day               = 24 * Hour
	Week              = 7 * Day
)

// CivilOf gives the date (proleptic Gregorian) of a day counted from 1970-01-01, by Hinnant's algorithm (howardhinnant.github.io/date_algorithms.html).
func CivilOf(day int64) (year int64, month, dayOfMonth int) {
	z := day + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	dayOfMonth = int(doy-(153*mp+2)/5) + 1
	month = int(mp) + 3
	if month > 12 {
		month -= 12
	}
	year = yoe + era*400
	if month <= 2 {
		year++
	}
	return year, month, dayOfMonth
}

// DayOf is the inverse of CivilOf.
func DayOf(year int64, month, dayOfMonth int) int64 {
	m := int64(month)
	if m <= 2 {
		year--
		m += 9
	} else {
		m -= 3
	}
	era := floorDiv(year, 400)
	yoe := year - era*400
	doy := (153*m+2)/5 + int64(dayOfMonth) - 1
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// floorDiv rounds towards minus infinity; d is positive.
func floorDiv(n, d int64) int64 {
	q := n / d
	if n%d < 0 {
		q--
	}
	return q
}

// FloorDiv is n / d towards minus infinity for positive d: the day, hour or window of an instant, also before 1970.
func FloorDiv(n, d int64) int64 { return floorDiv(n, d) }

const pairs = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869" +
	"707172737475767778798081828384858687888990919293949596979899"

func appendPair(dst []byte, n int) []byte { return append(dst, pairs[2*n], pairs[2*n+1]) }

// AppendTime appends an instant as RFC 3339 in UTC with Z, with as many digits of the second as it has: 2024-05-01T12:00:00.25Z. Years outside 0..9999
// get a sign and six digits (ISO 8601, as in ECMAScript), so that every instant can be read back.
func AppendTime(dst []byte, micros int64) []byte {
	day := floorDiv(micros, Day)
	rest := micros - day*Day
	year, month, mday := CivilOf(day)
	if year >= 0 && year <= 9999 {
		dst = appendPair(appendPair(dst, int(year/100)), int(year%100))
	} else {
		sign := byte('+')
		if year < 0 {
			sign, year = '-', -year
		}
		dst = append(dst, sign)
		dst = appendPair(appendPair(appendPair(dst, int(year/10000)), int(year/100%100)), int(year%100))
	}
	dst = appendPair(append(dst, '-'), month)
	dst = appendPair(append(dst, '-'), mday)
	dst = appendPair(append(dst, 'T'), int(rest/Hour))
	dst = appendPair(append(dst, ':'), int(rest/Minute%60))
	dst = appendPair(append(dst, ':'), int(rest/Second%60))
	return append(appendFraction(dst, int(rest%Second)), 'Z')
}

// appendFraction appends micros of a second without trailing zeros.
func appendFraction(dst []byte, micros int) []byte {
	if micros == 0 {
		return dst
	}
	dst = append(dst, '.')
	dst = appendPair(appendPair(appendPair(dst, micros/10000), micros/100%100), micros%100)
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// UsualTime says of text that ParseTime takes whether AppendTime would write the same. It may say no where it would.
func UsualTime(text []byte) bool {
	const seconds = len("2006-01-02T15:04:05")
	last := len(text) - 1
	if last < seconds || text[4] != '-' || text[10] != 'T' || text[last] != 'Z' || text[0]-'0' > 9 {
		return false
	}
	return last == seconds || text[seconds] == '.' && text[last-1] != '0'
}

// ParseTime reads an RFC 3339 instant (a blank instead of T and small letters are allowed, as the RFC has it, and the years of AppendTime). It says false
// for anything else, for a date that does not exist, for digits finer than a microsecond unless they are zeros, and for leap seconds.
func ParseTime(b []byte) (micros int64, ok bool) {
	year, b, ok := cutYear(b)
	if !ok || len(b) < 16 || b[0] != '-' || b[3] != '-' || b[6]|0x20 != 't' && b[6] != ' ' || b[9] != ':' || b[12] != ':' {
		return 0, false
	}
	month, mday, hour, minute, second := pair(b[1:]), pair(b[4:]), pair(b[7:]), pair(b[10:]), pair(b[13:])
	if month < 1 || month > 12 || mday < 1 || mday > daysIn(year, month) || uint(hour) > 23 || uint(minute) > 59 || uint(second) > 59 {
		return 0, false
	}
	fraction, b, ok := cutFraction(b[15:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(b)
	if !ok {
		return 0, false
	}
	day := DayOf(year, month, mday)
	in := int64(hour)*Hour + int64(minute)*Minute + int64(second)*Second + int64(fraction) - offset
	micros = day*Day + in
	// Only years of six digits come near the ends of an int64.
	if year > 290000 && micros < 0 || year < -290000 && micros > 0 {
		return 0, false
	}
	return micros, true
}

// WhyNoTime tells for text that ParseTime does not take whether it is an instant that is too fine (ErrFine), which is one again with six digits of the
// second, or no instant at all (ErrMalformed).
func WhyNoTime(text []byte) error {
	point := -1
	for i, c := range text {
		switch {
		case c == '.':
			point = i
		case point >= 0 && (c < '0' || c > '9'):
			if i-point > 7 {
				short := append(append([]byte(nil), text[:point+7]...), text[i:]...)
				if _, ok := ParseTime(short); ok {
					return ErrFine
				}
			}
			return ErrMalformed
		}
	}
	return ErrMalformed
}

func cutYear(b []byte) (year int64, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, false
	}
	if b[0] != '+' && b[0] != '-' {
		hi, lo := pair(b), pair(b[2:])
		return int64(hi*100 + lo), b[4:], hi >= 0 && lo >= 0
	}
	if len(b) < 7 {
		return 0, nil, false
	}
	hi, mid, lo := pair(b[1:]), pair(b[3:]), pair(b[5:])
	if hi < 0 || mid < 0 || lo < 0 {
		return 0, nil, false
	}
	year = int64(hi*10000 + mid*100 + lo)
	if b[0] == '-' {
		year = -year
	}
	return year, b[7:], year >= -290308 && year <= 294247
}

// pair reads two digits; below 0 if they are none.
func pair(b []byte) int {
	t, u := b[0]-'0', b[1]-'0'
	if t > 9 || u > 9 {
		return -1000
	}
	return int(t)*10 + int(u)
}

// cutFraction reads .digits, if there are any, as microseconds.
func cutFraction(b []byte) (micros int, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	i, unit := 1, 100000
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		digit := int(b[i] - '0')
		if unit == 0 && digit != 0 {
			return 0, nil, false
		}
		micros += digit * unit
		unit /= 10
	}
	return micros, b[i:], i > 1
}

// parseOffset reads Z or +hh:mm as microseconds east of UTC.
func parseOffset(b []byte) (micros int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if len(b) != 6 || b[3] != ':' || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hour, minute := pair(b[1:]), pair(b[4:])
	if uint(hour) > 23 || uint(minute) > 59 {
		return 0, false
	}
	micros = int64(hour)*Hour + int64(minute)*Minute
	if b[0] == '-' {
		micros = -micros
	}
	return micros, true
}

func daysIn(year int64, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// AppendDuration appends a duration as the language writes it: 1h30m, 250ms, -2d; 0s for none.
func AppendDuration(dst []byte, micros int64) []byte {
	if micros == 0 {
		return append(dst, "0s"...)
	}
	rest := uint64(micros)
	if micros < 0 {
		dst, rest = append(dst, '-'), -rest
	}
	for _, u := range [...]struct {
		size int64
		name string
	}{{Day, "d"}, {Hour, "h"}, {Minute, "m"}, {Second, "s"}, {Millisecond, "ms"}, {1, "us"}} {
		if n := rest / uint64(u.size); n > 0 {
			dst = append(AppendInt(dst, int64(n)), u.name...)
			rest -= n * uint64(u.size)
		}
	}
	return dst
}
