package account

import (
	"encoding/base32"
	"strings"

	"viewflip.app/wire"
)

// Pass lets somebody sign up at a service that takes people by invitation alone.
// It is the id of a contact's open link, or what whoever runs the service made
// for one e-mail address: base32 in lower case without padding. "" is none.
type Pass string

// maxPass bounds a Pass, in bytes.
const maxPass = 32

// UnmarshalText is ParsePass.
func (p *Pass) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePass(string(b))
	return err
}

// ParsePass takes letters of base32 alone; "" is no pass and no error.
func ParsePass(s string) (Pass, error) {
	if len(s) > maxPass || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		return "", wire.ErrMalformed
	}
	return Pass(s), nil
}

// NewPass writes the bytes of a pass.
func NewPass(b []byte) Pass {
	return Pass(strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)))
}

// Bytes are what NewPass wrote; nil if it is none.
func (p Pass) Bytes() []byte {
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(string(p)))
	if err != nil || len(b) == 0 || NewPass(b) != p {
		return nil
	}
	return b
}

// passParam carries a Pass in the line of a service.
const passParam = "&s="

// SignUpLine is the line of a service with a pass in it, as whoever runs the
// service gives it to one person.
func SignUpLine(s wire.Service, p Pass) string { return s.URL() + passParam + string(p) }

// PassIn is the pass of what was named as a service: of a line that SignUpLine
// wrote, or of a contact's link; "" if there is none.
func PassIn(text string) Pass {
	text = strings.TrimSpace(text)
	if l, err := wire.ParseContactLink(text); err == nil {
		return NewPass(l.Invite[:])
	}
	if _, err := wire.ParseServiceURL(text); err != nil {
		return ""
	}
	_, s, _ := strings.Cut(text, passParam)
	s, _, _ = strings.Cut(s, "&")
	p, err := ParsePass(s)
	if err != nil {
		return ""
	}
	return p
}
