package x11

import (
	"bytes"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// charset is one of the sets of COMPOUND_TEXT: how many bytes a character has,
// and what decodes them, after lead, with the high bit set or not.
type charset struct {
	width int
	high  bool
	lead  []byte
	dec   encoding.Encoding // nil for what cannot be read
}

func ascii() charset  { return charset{width: 1} }
func latin1() charset { return charset{width: 1, high: true, dec: charmap.ISO8859_1} }

// oneByte finds a set of 96 characters by its final byte (ISO 2375's registry).
func oneByte(final byte) charset {
	all := map[byte]*charmap.Charmap{
		'A': charmap.ISO8859_1, 'B': charmap.ISO8859_2, 'C': charmap.ISO8859_3, 'D': charmap.ISO8859_4, 'F': charmap.ISO8859_7,
		'G': charmap.ISO8859_6, 'H': charmap.ISO8859_8, 'L': charmap.ISO8859_5, 'M': charmap.ISO8859_9, 'V': charmap.ISO8859_10,
		'T': charmap.Windows874, 'Y': charmap.ISO8859_13, '_': charmap.ISO8859_14, 'b': charmap.ISO8859_15, 'f': charmap.ISO8859_16,
	}
	c := charset{width: 1, high: true}
	if m := all[final]; m != nil {
		c.dec = m
	}
	return c
}

// halfWidth finds a set of 94 characters.
func halfWidth(final byte) charset {
	switch final {
	case 'I': // the katakana of JIS X 0201
		return charset{width: 1, high: true, dec: japanese.ShiftJIS}
	default: // ASCII, and JIS X 0201's Roman letters, which are it but for two
		return ascii()
	}
}

// twoBytes finds a set of 94 times 94 characters.
func twoBytes(final byte) charset {
	c := charset{width: 2, high: true}
	switch final {
	case 'A':
		c.dec = simplifiedchinese.GBK
	case 'B':
		c.dec = japanese.EUCJP
	case 'C':
		c.dec = korean.EUCKR
	case 'D':
		c.dec, c.lead = japanese.EUCJP, []byte{0x8F}
	}
	return c
}

// extended finds the encoding of an extended segment by its name, which X.Org's
// locale database gives.
func extended(name string) encoding.Encoding {
	switch strings.ToLower(name) {
	case "big5-0", "big5-1", "big5hkscs-0":
		return traditionalchinese.Big5
	case "gbk-0":
		return simplifiedchinese.GBK
	case "gb18030.2000-0", "gb18030-0":
		return simplifiedchinese.GB18030
	case "koi8-r":
		return charmap.KOI8R
	case "koi8-u":
		return charmap.KOI8U
	case "microsoft-cp1251":
		return charmap.Windows1251
	case "microsoft-cp1255":
		return charmap.Windows1255
	case "microsoft-cp1256":
		return charmap.Windows1256
	case "iso8859-15":
		return charmap.ISO8859_15
	}
	return nil
}

const esc, csi, unreadable = 0x1B, 0x9B, '\uFFFD'

// compound reads COMPOUND_TEXT ("Compound Text Encoding", version 1.1, of the X
// Consortium), the type of titles that older toolkits set. What cannot be read is
// U+FFFD; nothing is larger than three times its bytes.
func compound(b []byte) string {
	var out strings.Builder
	left, right := ascii(), latin1()
	for len(b) > 0 {
		switch c := b[0]; {
		case c == esc:
			b = escape(b[1:], &left, &right, &out)
		case c == csi: // a change of direction ends with ]
			n := bytes.IndexByte(b[:min(len(b), 4)], ']')
			b = b[max(n, 0)+1:]
		case c < 0x20: // line ends and tabs
			out.WriteByte(c)
			b = b[1:]
		case c >= 0x80 && c < 0xA0: // means nothing here
			b = b[1:]
		case c < 0x80:
			b = character(b, left, &out)
		default:
			b = character(b, right, &out)
		}
	}
	return out.String()
}

// character reads one character of a set, and returns what follows.
func character(b []byte, c charset, out *strings.Builder) []byte {
	n := min(c.width, len(b))
	if !c.high && c.dec == nil { // ASCII
		out.WriteByte(b[0] & 0x7F)
		return b[1:]
	}
	code := append([]byte(nil), c.lead...)
	for _, x := range b[:n] {
		code = append(code, x|0x80)
	}
	decode(code, c.dec, out)
	return b[n:]
}

func decode(b []byte, dec encoding.Encoding, out *strings.Builder) {
	if dec == nil {
		out.WriteRune(unreadable)
		return
	}
	s, err := dec.NewDecoder().Bytes(b)
	if err != nil || len(s) == 0 {
		s = []byte(string(unreadable))
	}
	out.Write(s)
}

// escape reads what follows an escape, and returns what follows that.
func escape(b []byte, left, right *charset, out *strings.Builder) []byte {
	at := func(i int) byte {
		if i < len(b) {
			return b[i]
		}
		return 0
	}
	rest := func(n int) []byte { return b[min(n, len(b)):] }
	switch at(0) {
	case '(':
		*left = halfWidth(at(1))
	case ')':
		*right = halfWidth(at(1))
	case '-':
		*right = oneByte(at(1))
	case '$':
		switch at(1) {
		case '(':
			*left = twoBytes(at(2))
		case ')':
			*right = twoBytes(at(2))
		default:
			return rest(1)
		}
		return rest(3)
	case '%':
		switch at(1) {
		case 'G': // UTF-8, until the next escape
			n := bytes.IndexByte(rest(2), esc)
			if n < 0 {
				n = len(rest(2))
			}
			out.WriteString(strings.ToValidUTF8(string(rest(2)[:n]), string(unreadable)))
			return rest(2 + n)
		case '/':
			return segment(rest(3), out)
		}
	default:
		return rest(1)
	}
	return rest(2)
}

// segment reads an extended segment: its length in two digits of 7 bits, and
// then the name of an encoding, STX and octets of it.
func segment(b []byte, out *strings.Builder) []byte {
	if len(b) < 2 || b[0] < 0x80 || b[1] < 0x80 {
		return b
	}
	n := min(int(b[0]&0x7F)<<7|int(b[1]&0x7F), len(b)-2)
	name, text, _ := bytes.Cut(b[2:2+n], []byte{2})
	decode(text, extended(string(name)), out)
	return b[2+n:]
}
