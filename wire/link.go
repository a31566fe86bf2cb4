package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// MaxServiceAddrs is how many addresses of a service a link can carry.
const MaxServiceAddrs = 4

const (
	linkScheme = "viewflip"
	maxLink    = 2048
)

// InviteID names an invitation at the service. Random, not secret.
type InviteID [16]byte

// String is the id in base32.
func (i InviteID) String() string { return encode32(i[:]) }

// Secret is 32 bytes that prove the possession of a link. It cannot be printed.
type Secret struct{ b [32]byte }

// NewSecret wraps secret bytes.
func NewSecret(b [32]byte) Secret { return Secret{b} }

// Reveal returns the bytes; the name is there to be searched for.
func (s Secret) Reveal() [32]byte { return s.b }

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// Service is where a mailbox is and which key its certificate must have.
type Service struct {
	// Addrs are one to four host:port, the preferred first.
	Addrs []string
	// Pin is the SHA-256 of the certificate's SubjectPublicKeyInfo.
	Pin [32]byte
}

// Link leads into a call:
//
//	viewflip://host:port/c/<invite>?p=<pin>&f=<inviter>[&a=host:port…]#<secret>
//
// Invite is 16 bytes in base32; pin, inviter (their address: the fingerprint of
// their keys) and secret are 32 bytes each in unpadded base64url. The fragment
// is never sent to the service.
type Link struct {
	Service Service
	Invite  InviteID
	Inviter Address
	Secret  Secret
}

// Paths of links: into a call, and to a person.
const (
	pathCall    = "c/"
	pathContact = "i/"
)

// String is the whole link with its secret: whoever has it can come in.
func (l Link) String() string { return l.text(pathCall) }

func (l Link) text(path string) string {
	q := "p=" + encode64(l.Service.Pin[:]) + "&f=" + encode64(l.Inviter[:])
	host := ""
	for i, a := range l.Service.Addrs {
		if i == 0 {
			host = a
		} else {
			q += "&a=" + url.QueryEscape(a)
		}
	}
	return linkScheme + "://" + host + "/" + path + l.Invite.String() + "?" + q + "#" + encode64(l.Secret.b[:])
}

// LogValue hides the secret.
func (l Link) LogValue() slog.Value { return slog.StringValue("***") }

// GoString hides the secret.
func (l Link) GoString() string { return "***" }

// ErrLink wraps every reason why something is not a link. The texts are for
// people.
var ErrLink = errors.New("this is not a complete viewflip link")

func linkError(why string) error { return fmt.Errorf("%w: %s", ErrLink, why) }

// ParseLink reads a link, with white space around it as pasted text has.
func ParseLink(s string) (Link, error) { return parseLink(s, pathCall) }

func parseLink(s, kind string) (Link, error) {
	s = strings.TrimSpace(s)
	if len(s) > maxLink {
		return Link{}, linkError("it is too long")
	}
	rest, ok := strings.CutPrefix(s, linkScheme+"://")
	if !ok {
		return Link{}, linkError("it does not begin with viewflip://")
	}
	rest, fragment, ok := strings.Cut(rest, "#")
	if !ok || fragment == "" {
		return Link{}, linkError("the part after # is missing; copy it to its end")
	}
	rest, query, _ := strings.Cut(rest, "?")
	host, path, _ := strings.Cut(rest, "/")
	id, ok := strings.CutPrefix(path, kind)
	raw, err := decode32(id)
	if !ok || err != nil || len(raw) != len(InviteID{}) || encode32(raw) != id {
		return Link{}, linkError("the invitation is damaged")
	}
	l := Link{Invite: InviteID(raw)}
	q, err := url.ParseQuery(query)
	if err != nil {
		return Link{}, linkError("its middle part is damaged")
	}
	if l.Service, err = parseService(host, q); err != nil {
		return Link{}, err
	}
	if l.Inviter, err = decode32Bytes(q.Get("f")); err != nil {
		return Link{}, linkError("the inviter's fingerprint is damaged")
	}
	secret, err := decode32Bytes(fragment)
	if err != nil {
		return Link{}, linkError("the part after # is damaged; copy it to its end")
	}
	l.Secret = NewSecret(secret)
	// What a link says can be longer as String writes it than as it came, and
	// whoever gets it from here must be able to read it.
	if len(l.text(kind)) > maxLink {
		return Link{}, linkError("it is too long")
	}
	return l, nil
}

func parseService(host string, q url.Values) (Service, error) {
	var s Service
	for _, a := range append([]string{host}, q["a"]...) {
		if !hostPort(a) || len(s.Addrs) == MaxServiceAddrs {
			return Service{}, linkError("the address of the service is damaged")
		}
		s.Addrs = append(s.Addrs, a)
	}
	pin, err := decode32Bytes(q.Get("p"))
	if err != nil {
		return Service{}, linkError("the service's key is damaged")
	}
	s.Pin = pin
	return s, nil
}

// maxHost is the length of the longest host name (RFC 1035, 2.3.4), in bytes.
const maxHost = 253

// hostPort reports whether a is host:port in the form that net.JoinHostPort
// writes: an IP address without a zone, or a name of letters, digits, '-', '_'
// and '.' (other alphabets come in their ASCII form, RFC 5891), and a decimal
// port. Addresses of nobody or of many are none. So nothing in it means more in a URL, in a terminal or in a label.
func hostPort(a string) bool {
	h, p, err := net.SplitHostPort(a)
	port, perr := strconv.ParseUint(p, 10, 16)
	if err != nil || perr != nil || port == 0 || net.JoinHostPort(h, strconv.FormatUint(port, 10)) != a {
		return false
	}
	if ip, err := netip.ParseAddr(h); err == nil {
		ip = ip.Unmap()
		return ip.Zone() == "" && !ip.IsUnspecified() && !ip.IsMulticast() && ip != netip.AddrFrom4([4]byte{255, 255, 255, 255})
	}
	return h != "" && len(h) <= maxHost && !strings.ContainsFunc(h, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.'
	})
}

// ErrService means that a Service has addresses that can never be dialled, none,
// or too many.
var ErrService = errors.New("the address of the service is damaged: it must be one to four host:port")

// Check reports ErrService unless ParseServiceURL could have made s.
func (s Service) Check() error {
	if len(s.Addrs) == 0 || len(s.Addrs) > MaxServiceAddrs {
		return ErrService
	}
	for _, a := range s.Addrs {
		if !hostPort(a) {
			return fmt.Errorf("%w, not %q", ErrService, a)
		}
	}
	return nil
}

// decode32Bytes decodes exactly 32 bytes of unpadded base64url, in their one
// canonical form.
func decode32Bytes(s string) (out [32]byte, err error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(out) {
		return out, ErrMalformed
	}
	return [32]byte(b), nil
}

const serviceScheme = "viewflip-service://"

// URL is the service in one line, viewflip-service://host:port?p=<pin>, for
// settings.
func (s Service) URL() string {
	out, q := "", "p="+encode64(s.Pin[:])
	for i, a := range s.Addrs {
		if i == 0 {
			out = a
		} else {
			q += "&a=" + url.QueryEscape(a)
		}
	}
	return serviceScheme + out + "?" + q
}

// ParseServiceURL reads what URL wrote.
func ParseServiceURL(s string) (Service, error) {
	s = strings.TrimSpace(s)
	rest, ok := strings.CutPrefix(s, serviceScheme)
	if !ok || len(s) > maxLink {
		return Service{}, errors.New("it must be viewflip-service://host:port?p=…, as \"viewflipd serve\" prints it")
	}
	host, query, _ := strings.Cut(rest, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		return Service{}, errors.New("it is damaged: copy it again from where \"viewflipd serve\" printed it")
	}
	return parseService(host, q)
}
