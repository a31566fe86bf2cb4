package account

import (
	"strings"
	"testing"

	"viewflip.app/wire"
)

func TestPassIn(t *testing.T) {
	svc := wire.Service{Addrs: []string{"viewflip.example:443"}, Pin: [32]byte{1}}
	p := NewPass([]byte("twenty bytes of pass"))
	link := wire.ContactLink{Service: svc, Invite: wire.InviteID{1, 2, 3}, Account: [32]byte{4}, Secret: wire.NewSecret([32]byte{5})}
	for text, want := range map[string]Pass{
		SignUpLine(svc, p): p, " " + SignUpLine(svc, p) + "\n": p, SignUpLine(svc, p) + "&x=1": p, svc.URL(): "", "": "", "&s=" + string(p): "",
		link.String(): NewPass(link.Invite[:]), SignUpLine(svc, "A"): "", svc.URL() + "&s=" + strings.Repeat("a", maxPass+1): "",
	} {
		if got := PassIn(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got, err := wire.ParseServiceURL(SignUpLine(svc, p)); err != nil || got.URL() != svc.URL() {
		t.Error("the line leads elsewhere:", got, err)
	}
	if len(p) != maxPass || string(p.Bytes()) != "twenty bytes of pass" {
		t.Errorf("%q %q", p, p.Bytes())
	}
	for _, bad := range []Pass{"", "a", "A", "aaaaaaab", "0189"} {
		if b := bad.Bytes(); b != nil && NewPass(b) != bad {
			t.Errorf("%q is %x", bad, b)
		}
	}
}
