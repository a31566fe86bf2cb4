package main

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"viewflip.app/cmd/viewflip/internal/app"
	"viewflip.app/platform/platformtest"
	"viewflip.app/service/client"
	"viewflip.app/session"
	"viewflip.app/wire"
)

// knocker knocks with a link that is used up, with a new nonce each time, and
// reads nothing of what it is answered.
type knocker struct {
	id   *wire.Identity
	mail session.Mailbox
	link wire.Link
	to   wire.Device
}

func newKnocker(t *testing.T, link wire.Link) *knocker {
	t.Helper()
	id, err := wire.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	mail, err := client.New(client.Config{Service: link.Service, Identity: id})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = mail.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	k := &knocker{id: id, mail: mail, link: link}
	if k.to, err = mail.Lookup(t.Context(), link.Invite); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *knocker) knock(ctx context.Context) error {
	knock := wire.Knock{Invite: k.link.Invite, Device: k.id.Public(), Name: "Eve"}
	_, _ = rand.Read(knock.Nonce[:])
	sealed, err := wire.Seal(k.id, k.to, wire.Envelope{Body: wire.SignKnock(knock, k.link.Secret, k.to)})
	if err != nil {
		return err
	}
	err = k.mail.SendNow(ctx, k.to.Address(), sealed)
	if errors.Is(err, client.ErrRateLimited) {
		return nil // the inviter's queue is full: the next one
	}
	return err
}

// knockRate is how many knocks a second stand beside an honest join.
const knockRate = 20

// flood knocks until stop is called. knocks ticks for each, while it is read.
func flood(t *testing.T, all []*knocker) (knocks <-chan struct{}, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	told, done := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(time.Second / knockRate)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if err := all[n%len(all)].knock(ctx); err != nil && ctx.Err() == nil {
				t.Error("knock:", err)
			}
			select {
			case told <- struct{}{}:
			default:
			}
		}
	}()
	return told, func() { cancel(); <-done }
}

func middle(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

// Who holds a link that is used up, and knocks without end, keeps nobody from
// the call: an honest join takes no more than twice as long as alone.
func TestKnocksDelayNobody(t *testing.T) {
	for name, devices := range map[string]int{"one device": 1, "many devices": 16} {
		t.Run(name, func(t *testing.T) {
			a, err := app.Open(t.Context(), testWorld(t, nil), "Anna", nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(a.Close)
			anna, err := a.NewCall(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { anna.Leave(); <-anna.Done() })
			invite := func() wire.Link {
				l, err := anna.Invite(t.Context(), session.InviteOptions{})
				if err != nil {
					t.Fatal(err)
				}
				return l
			}
			join := func(link wire.Link) time.Duration {
				b, err := app.Open(t.Context(), testWorld(t, nil), "Ben", nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(b.Close)
				ben, err := b.NewCall(t.Context(), &link)
				if err != nil {
					t.Fatal(err)
				}
				defer ben.Leave() // which takes a while, and has its own
				t.Cleanup(func() { <-ben.Done() })
				platformtest.Eventually(t, "nobody to be there", func() bool { return len(anna.State().Members) == 0 })
				began := time.Now()
				if err := ben.Join(t.Context(), link); err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				for _, m := range anna.State().Members {
					anna.Remove(m.ID) // or introductions would make the next join another one
				}
				return took
			}
			used := invite()
			join(used)
			var eve []*knocker
			for range devices {
				eve = append(eve, newKnocker(t, used))
			}
			// In turns, because the machine is not equally busy at all times.
			var alone, beside []time.Duration
			for round := range 8 {
				for range 4 {
					alone = append(alone, join(invite()))
				}
				knocks, stop := flood(t, eve)
				for range 2 * knockRate { // as many as fill what the service keeps for her
					<-knocks
				}
				for range 4 {
					beside = append(beside, join(invite()))
				}
				stop()
				t.Logf("alone %v, beside %d knocks a second %v", middle(alone), knockRate, middle(beside))
				if middle(beside) <= 2*middle(alone) {
					return
				}
				if round == 7 {
					t.Fatal("a join takes too long beside knocks")
				}
			}
		})
	}
}
