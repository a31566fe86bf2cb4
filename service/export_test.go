package service

import (
	"context"
	"runtime"
)

// HoldGate keeps all processors from logins until release.
func (s *Service) HoldGate() (release func()) {
	held, free := make(chan struct{}), make(chan struct{})
	for range runtime.NumCPU() {
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
