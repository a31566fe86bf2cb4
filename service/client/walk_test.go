package client_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"viewflip.app/service/client"
	"viewflip.app/wire/account"
)

// Requests and answers get lost, come twice and late, among them those of
// logins and rotations, while hours pass at the service: whenever the network
// is good again the device is in, what it changed is done once, and it is never
// taken for two.
func TestLossyWalk(t *testing.T) {
	seed, err := strconv.ParseUint(os.Getenv("VIEWFLIP_SEED"), 10, 64)
	if err != nil {
		seed = 1
	}
	t.Log("VIEWFLIP_SEED =", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var offset atomic.Int64
	m, out := hostileAt(t, func() time.Time { return time.Now().Add(time.Duration(offset.Load())) })
	anna := signUp(t, m.running, out, "anna@example.org", "Anna")
	if err := anna.Stop(); err != nil {
		t.Fatal(err)
	}
	a := cold(t, anna)
	// An answer that is lost does not cost the session, on a connection that was
	// used before either.
	logins := 0
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	once := true
	m.trick(func(x *passing) bool {
		if strings.HasPrefix(x.path, "/v1/login/") {
			logins++
		}
		return false
	}, func(x *passing) { x.lost, once = once, false })
	if err := a.SetName(t.Context(), "Ann"); err != nil || logins > 0 {
		t.Errorf("%d logins, %v", logins, err)
	}

	lost := map[string]int{}
	var mu sync.Mutex
	bad := func(once func()) {
		mu.Lock()
		defer mu.Unlock()
		once()
	}
	lossy := func() {
		m.trick(func(x *passing) (drop bool) {
			bad(func() {
				if r.IntN(4) == 0 {
					x.lost, drop = true, true
					lost["requests of "+x.path]++
				}
			})
			return drop
		}, func(x *passing) {
			bad(func() {
				if r.IntN(4) == 0 {
					x.lost = true
					lost["answers of "+x.path]++
				}
				x.twice = r.IntN(4) == 0
			})
		})
	}
	links := 0
	for step := range 16 {
		offset.Add(int64(r.IntN(16)) * int64(time.Minute))
		if r.IntN(5) == 0 {
			offset.Add(int64(25 * time.Hour))
		}
		lossy()
		name := account.Name("Anna " + strconv.Itoa(step))
		err := a.SetName(t.Context(), name)
		if err != nil && !errors.Is(err, client.ErrUnavailable) {
			t.Fatal(step, err)
		}
		if step%5 == 0 {
			if _, err = a.Invite(t.Context()); err == nil {
				links++
			} else if !errors.Is(err, client.ErrUnavailable) {
				t.Fatal(step, err)
			}
		}
		m.honest()
		if err := a.Refresh(t.Context()); err != nil {
			t.Fatal(step, "locked out:", err)
		}
	}
	for _, what := range []string{account.PathRotate, account.PathMeUpdate, "/v1/login/"} {
		n := 0
		for path, times := range lost {
			if strings.Contains(path, what) {
				n += times
			}
		}
		if n == 0 {
			t.Error("never lost:", what)
		}
	}
	b, err := a.Export(t.Context())
	if err != nil || strings.Contains(string(b), "session_copied") {
		t.Error("it was taken for two, or", err)
	}
	all := heard(t, m, account.PathContacts, func(account.Contacts) bool { return true })
	if int(all.Invites) < links || all.Invites > 4 {
		t.Errorf("%d links, of which the person knows %d", all.Invites, links)
	}
	t.Log("lost:", lost)
}
