package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"viewflip.app/wire"
)

// sample is a complete body, and Decode for its type.
type sample struct {
	value  any
	decode func([]byte) (any, error)
}

func of[T any](v T) sample {
	return sample{v, func(b []byte) (any, error) { return Decode[T](bytes.NewReader(b)) }}
}

// samples are bodies of every type that the service or a client parses.
func samples(t interface{ Fatal(...any) }) []sample {
	key := KeyFromSeed([32]byte{1})
	list, err := key.NewDeviceList(DeviceList{}, []ListedDevice{listed(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	credential := Credential{ID: ID{1}, Salt: Salt{2}, Verifier: Number{3}}
	add := NewDevice{Credential: credential, Label: "Laptop"}
	contact := Contact{Handle: ID{1}, Name: "Ben", Account: key.Public(), Devices: list, Proof: Hash{4}}
	return []sample{
		of(Empty{}), of(SignupStart{Email: "anna@example.org", Name: "Anna"}), of(SignupTicket{Ticket: ID{1}}),
		of(SignupFinish{Ticket: ID{1}, Code: "01234567", Device: add, Account: key.Public(), Devices: list}), of(LoginStart{Device: ID{1}, A: Number{1}}),
		of(LoginChallenge{Attempt: ID{1}, Salt: Salt{1}, B: Number{1}}), of(LoginFinish{Attempt: ID{1}, M1: Hash{1}}),
		of(LoginFinish{Attempt: ID{1}, M1: Hash{1}, Signature: Signature{1}}), of(LoginDone{M2: Hash{1}, Session: ID{1}, Expires: 1}),
		of(Rotate{RID: ID{1}}), of(Rotated{Nonce: Hash{1}, Expires: 1}), of(LinkOpened{Slot: "0042", Ticket: ID{1}}),
		of(LinkPut{Slot: "0042", Ticket: ID{1}, Seq: 1, Blob: LinkBlob{1}}), of(LinkPut{Slot: "0042", Seq: 2, Blob: LinkBlob{1}}),
		of(LinkGet{Slot: "0042", After: 3}), of(LinkMessages{Messages: []LinkMessage{{Seq: 2, Blob: LinkBlob{1}}}}),
		of(Sessions{Sessions: []SessionInfo{{Device: ID{1}, Day: 20000, Current: true}}}), of(SessionEnd{}), of(SessionEnd{Device: ID{1}}),
		of(Devices{Devices: list, Info: []DeviceInfo{{ID: ID{1}, Label: "Laptop", LastDay: 20000}}}), of(DevicesPut{Devices: list}),
		of(DevicesPut{Devices: list, Add: &add}), of(DeviceLabel{ID: ID{1}, Label: "Desk"}), of(Me{Name: "Anna", Email: "anna@example.org", CreatedDay: 1}),
		of(MeUpdate{Name: "Anna"}), of(MeFindable{On: true}), of(Export{Data: json.RawMessage(`{"me":{"name":"Anna"}}`)}), of(Vault{}),
		of(Vault{Version: 1, Blob: VaultBlob{1}}), of(Contacts{Contacts: []Contact{contact}, Asks: []Ask{{Handle: ID{1}, Name: "Cleo"}}, Invites: 2}),
		of(ContactInvite{Invite: Hash{1}}), of(ContactAccept{Invite: ID{1}, Proof: Hash{1}}), of(ContactAccepted{Contact: contact}),
		of(ContactAsk{Email: "ben@example.org"}), of(ContactWithdraw{Email: "ben@example.org"}), of(ContactAnswer{Handle: ID{1}, Answer: AnswerBlock}), of(ContactHandle{Handle: ID{1}}),
		of(RecoveryEnroll{Credential: credential, Sealed: SealedKey{1}}), of(RecoverySealed{Sealed: SealedKey{1}}), of(RecoveryConfirm{Code: "01234567"}),
		of(Failure{Code: CodeRateLimited, RetryAfter: 5}), of(LinkRequest{NewDevice: add, Keys: DeviceKeys{1}, Platform: "Linux"}),
	}
}

// Every body comes back as it was, and each of its fields counts: without one
// that is not optional, with null or with a name more, it is refused.
func TestDecode(t *testing.T) {
	for _, sample := range samples(t) {
		v, decode := sample.value, sample.decode
		name := reflect.TypeOf(v).Name()
		body, err := Encode(v)
		if err != nil {
			t.Fatal(name, err)
		}
		if back, err := decode(body); err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%s %s came back as %+v, %v", name, body, back, err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(body, &fields); err != nil {
			t.Fatal(err)
		}
		change := func(what string, f func(map[string]json.RawMessage)) {
			m := map[string]json.RawMessage{}
			for k, v := range fields {
				m[k] = v
			}
			f(m)
			b, err := json.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decode(b); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("%s %s: %s, %v", name, what, b, err)
			}
		}
		change("a field more", func(m map[string]json.RawMessage) { m["extra"] = json.RawMessage("1") })
		for f, value := range fields {
			change("another type", func(m map[string]json.RawMessage) { m[f] = json.RawMessage(`[[1]]`) })
			change("in capitals", func(m map[string]json.RawMessage) { delete(m, f); m[strings.ToUpper(f)] = value })
			optional := reflect.ValueOf(v).IsZero() || strings.Contains(" signature proof add after current on findable device ticket day last_day invites expires contacts asks messages sessions info created_day retry_after seq blob ", " "+f+" ")
			if !optional || name == "SignupFinish" && f == "device" {
				change("without "+f, func(m map[string]json.RawMessage) { delete(m, f) })
				change("null as "+f, func(m map[string]json.RawMessage) { m[f] = json.RawMessage("null") })
			}
		}
		if _, err := decode(append(body, body...)); !errors.Is(err, wire.ErrMalformed) {
			t.Error(name, "twice:", err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	id, n := ID{1}.String(), strings.Repeat("A", 511)+"E"
	start := func(device, a string) string { return `{"device":"` + device + `","a":"` + a + `"}` }
	if _, err := Decode[LoginStart](strings.NewReader(start(id, n))); err != nil {
		t.Fatal("the good one:", err)
	}
	for name, body := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "half": start(id, n)[:100], "a name twice": `{"device":"` + id + `",` + start(id, n)[1:],
		"an id in capitals": start(strings.ToUpper(id), n), "a short id": start(id[1:], n), "a padded id": start(id+"=", n),
		"an id with a loose bit": start(id[:25]+"b", n), "the zero id": start(ID{}.String(), n), "a short number": start(id, n[4:]),
		"a long number": start(id, n+"AAAA"), "standard base64": start(id, "++++"+n[4:]), "a line end in base64": start(id, n[:4]+`\n`+n[4:]),
		"the zero number": start(id, strings.Repeat("A", 512)), "a number as list": `{"device":"` + id + `","a":[1,2]}`,
		"deep": strings.Repeat(`{"a":`, 100), "rubbish behind": start(id, n) + "x",
	} {
		if _, err := Decode[LoginStart](strings.NewReader(body)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Decode[LoginStart](strings.NewReader(start(id, n) + strings.Repeat(" ", MaxBody))); !errors.Is(err, wire.ErrTooLarge) {
		t.Error("too large:", err)
	}
	big := `{"version":1,"blob":"` + strings.Repeat("A", MaxVault/3*4) + `"}`
	if _, err := Decode[Vault](strings.NewReader(big)); err != nil {
		t.Error("a large vault:", err)
	}
	for name, body := range map[string]string{
		"a blob without version": `{"version":0,"blob":"AAAA"}`, "a version without blob": `{"version":2}`, "a negative version": `{"version":-1,"blob":"AAAA"}`,
		"a fraction": `{"version":1.5,"blob":"AAAA"}`, "over the limit": strings.Replace(big, "AAAA", "AAAAAAAA", 1),
	} {
		if _, err := Decode[Vault](strings.NewReader(body)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, body := range []string{
		`{"slot":"0042","seq":2,"blob":"AQ","ticket":"` + id + `"}`, `{"slot":"0042","seq":1,"blob":"AQ"}`, `{"slot":"0042","seq":0,"blob":"AQ"}`,
		`{"slot":"0042","seq":10,"blob":"AQ"}`, `{"slot":"42","seq":2,"blob":"AQ"}`, `{"slot":"00 42","seq":2,"blob":"AQ"}`, `{"slot":"0042","seq":2,"blob":""}`,
	} {
		if _, err := Decode[LinkPut](strings.NewReader(body)); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if _, err := Decode[Failure](strings.NewReader(`{"error":"made_up"}`)); err == nil {
		t.Error("an error that is not in the list")
	}
	if _, err := Decode[ContactAnswer](strings.NewReader(`{"handle":"` + id + `","answer":"maybe"}`)); err == nil {
		t.Error("an answer that is not in the list")
	}
}

// A list that comes with a credential must be about it.
func TestDecodeFits(t *testing.T) {
	for _, sample := range samples(t) {
		var bad []any
		switch m := sample.value.(type) {
		case SignupFinish:
			other, stranger := m, m
			other.Device.ID = ID{9}
			stranger.Account = KeyFromSeed([32]byte{9}).Public()
			bad = []any{other, stranger}
		case DevicesPut:
			if m.Add == nil {
				continue
			}
			add := *m.Add
			add.ID = ID{9}
			bad = []any{DevicesPut{Devices: m.Devices, Add: &add}}
		case ContactAccepted:
			m.Contact.Account = KeyFromSeed([32]byte{9}).Public()
			bad = []any{m}
		}
		for _, b := range bad {
			body, err := Encode(b)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sample.decode(body); !errors.Is(err, wire.ErrMalformed) {
				t.Errorf("%T: %v", b, err)
			}
		}
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]Email{
		"anna@example.org": "anna@example.org", " Anna.B+x@Example.org\n": "Anna.B+x@Example.org", "ünal@bücher.example": "ünal@bücher.example",
		"": "", "anna": "", "@example.org": "", "anna@": "", "a b@example.org": "", "Anna <anna@example.org>": "", "a@b@c": "",
		"a\x00@example.org": "", "a@example.org\r\nBcc: b@example.org": "", `"a b"@example.org`: "", "a@example.org,b@example.org": "",
		"a\u202e@example.org": "", strings.Repeat("a", 250) + "@b.org": "",
	} {
		got, err := ParseEmail(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
	if Email("Anna@Example.ORG").Normal() != "anna@example.org" {
		t.Error("not found by another case")
	}
	for in, want := range map[string]Code{"01234567": "01234567", " 0123 4567\n": "01234567", "0123-4567": "01234567", "0123456": "", "012345678": "", "0123456x": "", "٠١٢٣٤٥٦٧": ""} {
		if got, err := ParseCode(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
	if _, err := ParseName(" \u200b\n"); err == nil {
		t.Error("a name of nothing")
	}
	if n, err := ParseName(" Anna\u202e B\n"); err != nil || n != "Anna B" {
		t.Errorf("%q %v", n, err)
	}
}
