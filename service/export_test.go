package service

import (
	"context"
	"runtime"
)

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
