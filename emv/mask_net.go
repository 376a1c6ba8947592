package emv

// unnamed hides what looks like an account number in a value that is not
// sensitive by its tag.
func (m *mask) unnamed(o Object, from, to int, alone bool) {
	switch {
	case !plausible(o.Tag, o.Value):
		// Perhaps no object at all, but part of a number: then its header and
		// the digits around it count.
		m.digitRuns(2*from, 2*to)
		m.digitRuns(m.digitsAround(2*o.Offset, 2*to))
	case !accountFree(o.Tag, o.Value, alone):
		for to < len(m.data) && m.data[to] == 0 {
			to++ // a number cut short goes on in what looks like padding
		}
		m.digitRuns(2*from, 2*to)
	}
	if !numberedText(o.Tag) {
		m.textRuns(from, from+len(o.Value))
	}
}

// digitsAround widens a range of nibbles by the decimal ones beside it.
func (m *mask) digitsAround(from, to int) (int, int) {
	for from > 0 && nibble(m.data, from-1) <= 9 {
		from--
	}
	for to < 2*len(m.data) && nibble(m.data, to) <= 9 {
		to++
	}
	return from, to
}

// runs hides what looks like an account number between two bytes, in BCD and
// in ASCII.
func (m *mask) runs(from, to int) {
	m.digitRuns(2*from, 2*to)
	m.textRuns(from, to)
}

// digitRuns hides runs of decimal nibbles that hold an account number, between
// two nibbles. What is hidden already ends a run.
func (m *mask) digitRuns(from, to int) {
	for i := from; i < to; {
		start := i
		for i < to && nibble(m.data, i) <= 9 && !m.hidden[i] {
			i++
		}
		if holdsAccount(i-start, func(n int) byte { return nibble(m.data, start+n) }) {
			m.hide(start, i)
		}
		i++
	}
}

// textRuns hides runs of decimal characters that hold an account number.
func (m *mask) textRuns(from, to int) {
	for i := from; i < to; {
		start := i
		for i < to && m.data[i] >= '0' && m.data[i] <= '9' {
			i++
		}
		if holdsAccount(i-start, func(n int) byte { return m.data[start+n] - '0' }) {
			m.hide(2*start, 2*i)
		}
		i++
	}
}

// holdsAccount is true when 13 to 19 of n digits in a row, the first not 0,
// have a correct check digit. No issuer's numbers begin with 0.
func holdsAccount(n int, digit func(int) byte) bool {
	for start := 0; start+13 <= n; start++ {
		if digit(start) == 0 {
			continue
		}
		// even and odd are the sums with the digits at even and at odd
		// distance from the start doubled; which one counts depends on where
		// the number ends.
		var sums [2]int
		for i := 0; i < 19 && start+i < n; i++ {
			d := int(digit(start + i))
			sums[i&1] += d
			if d *= 2; d > 9 {
				d -= 9
			}
			sums[i&1^1] += d
			if i >= 12 && sums[i&1]%10 == 0 {
				return true
			}
		}
	}
	return false
}

// frames hides account numbers that stand as tags 5A and 57 write them, or as
// track 1 does, and certificates of the card's keys, wherever that is: also
// inside of values that are not what their tag says.
func (m *mask) frames(from, to int) {
	for i := from; i+9 <= to; i++ {
		if n := int(m.data[i+1]); m.data[i] == byte(TagPAN) && n >= 7 && n <= 10 && i+2+n <= to {
			m.framedPAN(i+2, i+2+n)
		}
	}
	m.framedTrack2(2*from, 2*to)
	m.framedTrack1(from, to)
	m.framedCertificates(from, to)
}

// framedCertificates looks for tags 9F46 and 9F2D with the length of an RSA
// number, of which the data may hold only the beginning.
func (m *mask) framedCertificates(from, to int) {
	for i := from; i+3 < to; i++ {
		if tag := Tag(m.data[i])<<8 | Tag(m.data[i+1]); tag != TagICCCertificate && tag != tagPINCertificate {
			continue
		}
		start, n := i+3, int(m.data[i+2])
		if n == 0x81 {
			start, n = i+4, int(m.data[i+3])
		}
		const telling = 16                              // fewer bytes are chance, and of no use to anybody
		if n >= 64 && n <= 248 && start+telling <= to { // EMV Book 2, Annex D
			m.hide(2*start, 2*min(start+n, to))
		}
	}
}

func (m *mask) framedPAN(from, to int) {
	v := m.data[from:to]
	n := 0
	for n < 2*len(v) && nibble(v, n) <= 9 {
		n++
	}
	if n >= 13 && onlyFill(v, n) && !m.hidden[2*from+6] {
		m.value(TagPAN, from, to)
	}
}

// framedTrack2 looks for digits with a correct check digit, the separator D
// and at least four more digits.
func (m *mask) framedTrack2(from, to int) {
	digits := 0
	for i := from; i < to; i++ {
		switch d := nibble(m.data, i); {
		case d <= 9:
			digits++
			continue
		case d == 0xD && digits >= 13 && !m.hidden[i-7]:
			m.track2At(i-min(digits, 19), i, to)
		}
		digits = 0
	}
}

// track2At hides the digits before and after the separator at sep, when a
// number that ends there has a correct check digit.
func (m *mask) track2At(start, sep, to int) {
	end := sep + 1
	for end < to && nibble(m.data, end) <= 9 {
		end++
	}
	if end-sep <= 4 {
		return
	}
	for from := start; sep-from >= 13; from++ {
		var digits [19]byte
		for i := from; i < sep; i++ {
			digits[i-from] = '0' + nibble(m.data, i)
		}
		if luhnSum(string(digits[:sep-from])) == 0 {
			m.hide(start, sep)
			m.hide(sep+1, end)
			return
		}
	}
}

// framedTrack1 looks for the letter B, digits and a caret in ASCII.
func (m *mask) framedTrack1(from, to int) {
	for i := from; i < to; i++ {
		if m.data[i] != 'B' {
			continue
		}
		end := i + 1
		for end < to && m.data[end] >= '0' && m.data[end] <= '9' {
			end++
		}
		if end < to && m.data[end] == '^' && end-i > 13 {
			m.hide(2*(i+1), 2*end)
		}
	}
}
