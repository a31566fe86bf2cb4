package accounts

import (
	"context"
	"runtime"
	"time"

	"viewflip.app/wire"
	"viewflip.app/wire/account"
)

// SnapshotWhile shows an account the states of its contacts, and meanwhile has
// it hear, again and again, that one of them is in a state.
func (s *Service) SnapshotWhile(ctx context.Context, email account.Email, handle account.ID, state wire.State) error {
	who, err := s.store.AccountByEmail(ctx, email)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { defer close(done); s.presence.snapshot(who) }()
	for {
		s.presence.heard(who, append(append([]byte{tellPresence}, handle[:]...), byte(state)))
		select {
		case <-done:
			return nil
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// HoldGate keeps all logins from computing until release.
func (s *Service) HoldGate() (release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	for range max(1, runtime.NumCPU()-1) {
		go func() {
			_ = s.gate.Do(context.Background(), func() error {
				held <- struct{}{}
				<-free
				return nil
			})
		}()
		<-held
	}
	return func() { close(free) }
}
