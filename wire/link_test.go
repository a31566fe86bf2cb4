package wire

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"testing"
)

func callLink(addrs ...string) Link {
	return Link{Service: Service{Addrs: addrs, Pin: [32]byte{1, 255}}, Invite: InviteID{1, 2}, Inviter: Address{7}, Secret: NewSecret([32]byte{5, 6})}
}

func TestHostsInLinks(t *testing.T) {
	for _, a := range []string{
		"192.0.2.1:7465", "[2001:db8::1]:7465", "[::ffff:192.0.2.1]:1", "viewflip.example:443", "a_b-c.example.:65535", "localhost:1",
		strings.Repeat("a", 253) + ":1", "xn--bcher-kva.example:443",
	} {
		for _, l := range []Link{callLink(a), callLink("localhost:1", a), callLink(a, a, a, a)} {
			if back, err := ParseLink(l.String()); err != nil || !reflect.DeepEqual(back, l) {
				t.Errorf("%q: %v", a, err)
			}
		}
		if back, err := ParseServiceURL(" " + Service{Addrs: []string{a, a}}.URL() + "\n"); err != nil || len(back.Addrs) != 2 {
			t.Errorf("%q: %v", a, err)
		}
		if err := CheckRelayURLs([]string{"turn:" + a}); err != nil && len(a) < 253 {
			t.Errorf("%q: %v", a, err)
		}
	}
	for _, a := range []string{
		"\x00:1", "\x1b[31m:1", "a\nb:1", "a\u202eb:1", "a\x7fb:1", "a\u00adb:1", "bücher.example:443", "a b:1", "a%b:1", "[fe80::1%eth0]:1", "[fe80::1%\x1b]:1",
		"0.0.0.0:1", "[::]:1", "224.0.0.1:1", "[ff02::1]:1", "255.255.255.255:1", "[::ffff:0.0.0.0]:1",
		"[example]:1", "2001:db8::1:1", "[::1:::::::]:1", ":1", "a:0", "a:01", "a:+1", "a:65536", "a:http", "a", "a:1:1", "a:", "user@a:1",
		strings.Repeat("a", 254) + ":1", "[" + strings.Repeat(":", 800) + "]:7465",
	} {
		if l, err := ParseLink(callLink(a).String()); err == nil {
			t.Errorf("%q became %q", a, l.Service.Addrs)
		}
		if _, err := ParseLink(callLink("localhost:1", a).String()); !errors.Is(err, ErrLink) {
			t.Errorf("a=%q: %v", a, err)
		}
		if _, err := ParseServiceURL(Service{Addrs: []string{a}}.URL()); err == nil {
			t.Errorf("service of %q", a)
		}
		if CheckRelayURLs([]string{"turn:" + a}) == nil {
			t.Errorf("relay at %q", a)
		}
	}
}

// onlyHosts fails unless a name is of the letters that a host has, seen by other
// means than those of the parser.
func onlyHosts(t *testing.T, addrs []string) {
	t.Helper()
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	for _, a := range addrs {
		h, _, err := net.SplitHostPort(a)
		if _, perr := netip.ParseAddr(h); err != nil || perr != nil && strings.Trim(h, letters) != "" || strings.Trim(a, letters+"[]:") != "" {
			t.Errorf("%q is an address of a service", a)
		}
	}
}

// The first that failed is a link within its limit whose host is longer when
// it is written anew, because each colon is escaped then.
func FuzzParseLink(f *testing.F) {
	f.Add(callLink("192.0.2.1:7465", "[2001:db8::1]:7465", "viewflip.example:443").String())
	f.Add(strings.Replace(callLink("localhost:1").String(), "#", "&a=[2001:db8::1"+strings.Repeat(":", 800)+"]:7465#", 1))
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLink(s)
		if err != nil {
			return
		}
		onlyHosts(t, l.Service.Addrs)
		if back, err := ParseLink(l.String()); err != nil || !reflect.DeepEqual(back, l) {
			t.Fatal(err)
		}
	})
}

// FuzzLinkHost puts anything into a link where its hosts are: it is refused, or
// comes back as it was and means nothing else.
func FuzzLinkHost(f *testing.F) {
	for _, a := range []string{"192.0.2.1:7465", "[2001:db8::1]:7465", "viewflip.example:443", "a\x00:1", "[fe80::1%eth0]:1", "a:01", "[::1:::::]:1"} {
		f.Add(a, a)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		text := strings.Replace(callLink("localhost:1", second).String(), "localhost:1", first, 1)
		l, err := ParseLink(text)
		if err != nil {
			return
		}
		onlyHosts(t, l.Service.Addrs)
		if u, err := url.Parse(text); err != nil || u.Host != l.Service.Addrs[0] || u.User != nil {
			t.Errorf("%q is %q to others", first, text)
		}
		if back, err := ParseLink(l.String()); err != nil || !reflect.DeepEqual(back, l) {
			t.Fatal(err)
		}
		if back, err := ParseServiceURL(l.Service.URL()); err != nil || !reflect.DeepEqual(back, l.Service) {
			t.Fatal(err)
		}
	})
}
