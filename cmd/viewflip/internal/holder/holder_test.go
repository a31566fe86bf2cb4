package holder

import (
	"testing"

	"viewflip.app/wire"
)

// A service is named by its line or by a contact's link, in whatever space.
func TestServiceIn(t *testing.T) {
	svc := wire.Service{Addrs: []string{"viewflip.example.org:7465"}, Pin: [32]byte{1}}
	contact := wire.ContactLink{Service: svc}.String()
	for text, ok := range map[string]bool{
		svc.URL(): true, " " + svc.URL() + "\n": true, contact: true,
		wire.Link{Service: svc}.String(): false, // maybe of a private service
		"viewflip.example.org":           false, "": false,
	} {
		got, err := ServiceIn(text)
		if (err == nil) != ok || ok && got.URL() != svc.URL() {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
