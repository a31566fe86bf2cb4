//go:build cgo && linux

package ui

import (
	"time"

	"viewflip.app/session"
)

// peopleScene gives a scene an account.
func peopleScene(name string, o *Options, call *fakeCall) {
	f := newFakePeople()
	o.People = f
	if name == "signup" {
		return
	}
	f.set(somePeople)
	switch name {
	case "people":
		f.set(func(st *PeopleState) {
			st.Asks, st.Asked = []Asking{{ContactID{'E'}, "Elena Marchetti"}}, []string{"finn@example.org"}
		})
		go func() {
			time.Sleep(4 * time.Second)
			f.set(func(st *PeopleState) { st.Rings = []Ring{ringOf(st.Contacts[0])} })
		}()
	case "compare":
		o.Link = fakeLink(1).String()
		ben := member(9, "Ben Okafor", session.Connected)
		ben.Contact, ben.Standing = contact("Ben Okafor", Online, false).Contact, session.Uncompared
		call.st.Members = []session.Member{ben}
		go func() {
			time.Sleep(2 * time.Second)
			_ = call.Compare(ben.ID)
		}()
	}
}
