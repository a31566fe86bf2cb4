package account

import (
	"net/mail"
	"strings"

	"viewflip.app/wire"
)

type (
	// Name is a person's name, safe to show: see wire.CleanName. Never empty
	// when it was parsed.
	Name string
	// Label is the name of a device, under the same rules.
	Label string
	// Email is an address as the person wrote it, at most MaxEmail bytes.
	Email string
	// Code is the eight digits of a mail.
	Code string
)

// MaxEmail bounds an e-mail address, in bytes (RFC 5321).
const MaxEmail = 254

// ParseName cleans a name; an empty one is an error.
func ParseName(s string) (Name, error) {
	if s = wire.CleanName(s); s == "" {
		return "", wire.ErrMalformed
	}
	return Name(s), nil
}

// UnmarshalText is ParseName.
func (n *Name) UnmarshalText(b []byte) (err error) {
	*n, err = ParseName(string(b))
	return err
}

// UnmarshalText cleans like a name.
func (l *Label) UnmarshalText(b []byte) error {
	n, err := ParseName(string(b))
	*l = Label(n)
	return err
}

// ParseEmail takes a bare address, with white space around it as typed text
// has: no display name, no quotes, no comments.
func ParseEmail(s string) (Email, error) {
	s = strings.TrimSpace(s)
	if len(s) > MaxEmail || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"()<>[],;:\`, r) }) {
		return "", wire.ErrMalformed
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || wire.CleanTitle(s) != s {
		return "", wire.ErrMalformed
	}
	return Email(s), nil
}

// UnmarshalText is ParseEmail.
func (e *Email) UnmarshalText(b []byte) (err error) {
	*e, err = ParseEmail(string(b))
	return err
}

// Normal is the form by which an address is found: lower case.
func (e Email) Normal() string { return strings.ToLower(string(e)) }

// CodeDigits is the length of a Code.
const CodeDigits = 8

// ParseCode reads eight digits; spaces and hyphens between them do not count.
func ParseCode(s string) (Code, error) {
	s, err := digits(s, CodeDigits)
	return Code(s), err
}

// UnmarshalText is ParseCode.
func (c *Code) UnmarshalText(b []byte) (err error) {
	*c, err = ParseCode(string(b))
	return err
}

// digits drops spaces and hyphens and wants exactly n decimal digits.
func digits(s string, n int) (string, error) {
	if len(s) > 64 {
		return "", wire.ErrMalformed
	}
	s = strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(s))
	if len(s) != n || strings.Trim(s, "0123456789") != "" {
		return "", wire.ErrMalformed
	}
	return s, nil
}
