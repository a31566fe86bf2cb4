package wire

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func contactLink() ContactLink {
	return ContactLink{
		Service: Service{Addrs: []string{"192.0.2.1:7465", "[2001:db8::1]:7465"}, Pin: [32]byte{1}},
		Invite:  InviteID{2}, Account: [32]byte{3}, Secret: NewSecret([32]byte{4}),
	}
}

func TestContactLink(t *testing.T) {
	l := contactLink()
	s := l.String()
	if back, err := ParseContactLink(" " + s + "\n"); err != nil || !reflect.DeepEqual(back, l) {
		t.Errorf("%+v %v", back, err)
	}
	call := Link{Service: l.Service, Invite: l.Invite, Inviter: l.Account, Secret: l.Secret}.String()
	for _, bad := range []string{"", s + "A", s[:len(s)-1], call, strings.Replace(s, "/i/", "/I/", 1), strings.Replace(s, "f=", "g=", 1), strings.Replace(s, "#", "?", 1)} {
		if _, err := ParseContactLink(bad); !errors.Is(err, ErrLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := ParseLink(s); !errors.Is(err, ErrLink) {
		t.Error("a contact link leads into a call:", err)
	}
	if out := fmt.Sprintf("%#v %v", l, l.LogValue()); strings.Contains(out, "BAAA") || strings.Contains(out, "0x4") {
		t.Error("the secret is printed:", out)
	}
}

func FuzzParseContactLink(f *testing.F) {
	f.Add(contactLink().String())
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseContactLink(s)
		if err != nil {
			return
		}
		if back, err := ParseContactLink(l.String()); err != nil || !reflect.DeepEqual(back, l) {
			t.Fatal(err)
		}
	})
}
