package wire

import (
	"encoding/binary"
	"strings"
)

// Limits of RelayCredentials.
const (
	// MaxRelayURLs bounds the URLs.
	MaxRelayURLs = 8
	// maxRelayURL, and maxRelayText for user and password, are in bytes.
	maxRelayURL  = 256
	maxRelayText = 128
)

type (
	// Relay asks for credentials at the service's relay. The asker quotes an
	// invitation that is open, or none if the service knows already that it is in
	// a call.
	Relay struct{ Invite InviteID }
	// RelayCredentials answers Relay: what ICE needs (RFC 8445). Expires is in
	// seconds since 1970; until then they begin allocations.
	RelayCredentials struct {
		// URLs have the forms of RFC 7064 and RFC 7065.
		URLs           []string
		User, Password string
		Expires        int64
		// Pinned means that behind turns: is the certificate of the service,
		// known by its pin; otherwise one that browsers would accept.
		Pinned bool
	}
)

// Their types are apart from those of the mailbox.
const (
	frameRelay byte = iota + 32
	frameRelayCredentials
)

func (Relay) frame() byte            { return frameRelay }
func (RelayCredentials) frame() byte { return frameRelayCredentials }

// CheckRelayURLs reports ErrMalformed unless there are one to MaxRelayURLs and
// each is stun:, turn: or turns: with a host and a port.
func CheckRelayURLs(urls []string) error {
	if len(urls) == 0 || len(urls) > MaxRelayURLs {
		return ErrMalformed
	}
	for _, u := range urls {
		if !relayURL(u) {
			return ErrMalformed
		}
	}
	return nil
}

func relayURL(u string) bool {
	scheme, rest, _ := strings.Cut(u, ":")
	addr, query, asked := strings.Cut(rest, "?")
	if len(u) > maxRelayURL || !printable(u) || asked && query != "transport=udp" && query != "transport=tcp" {
		return false
	}
	switch scheme {
	case "stun":
		return !asked && hostPort(addr)
	case "turn", "turns":
		return hostPort(addr)
	default:
		return false
	}
}

func appendRelayCredentials(b []byte, c RelayCredentials) ([]byte, error) {
	if CheckRelayURLs(c.URLs) != nil || !relayText(c.User) || !relayText(c.Password) {
		return nil, ErrMalformed
	}
	b = append(b, byte(len(c.URLs)))
	for _, u := range c.URLs {
		b = appendText(b, u, maxRelayURL)
	}
	b = appendText(b, c.User, maxRelayText)
	b = appendText(b, c.Password, maxRelayText)
	return appendFlag(binary.BigEndian.AppendUint64(b, uint64(c.Expires)), c.Pinned), nil
}

func relayText(s string) bool { return s != "" && len(s) <= maxRelayText && printable(s) }

// printable reports whether s is printable ASCII without spaces.
func printable(s string) bool {
	for _, r := range []byte(s) {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}

func (r *reader) relayCredentials() (RelayCredentials, bool) {
	n := int(r.u8())
	if n > MaxRelayURLs {
		return RelayCredentials{}, false
	}
	var c RelayCredentials
	for range n {
		c.URLs = append(c.URLs, r.exact(maxRelayURL))
	}
	c.User, c.Password = r.exact(maxRelayText), r.exact(maxRelayText)
	c.Expires = int64(r.u64())
	c.Pinned = r.flag()
	ok := CheckRelayURLs(c.URLs) == nil && relayText(c.User) && relayText(c.Password) && c.Expires > 0 && c.Expires < maxExpiry
	return c, ok
}

// exact takes a string as it is; whoever takes it checks it.
func (r *reader) exact(limit int) string {
	n := int(r.u16())
	if n > limit {
		r.bad = true
	}
	return string(r.take(n))
}
