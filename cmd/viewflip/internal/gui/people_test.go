package gui

import (
	"log/slog"
	"strings"
	"testing"

	"viewflip.app/wire/account"
)

// Who has to wait long is told how long.
func TestWaitingIsTold(t *testing.T) {
	p := &people{log: slog.New(slog.DiscardHandler)}
	for seconds, want := range map[uint32]string{0: "wait a little", 60: "wait a little", 121: "in 3 minutes", 3000: "in 50 minutes"} {
		if err := p.plainly(account.Failure{Code: account.CodeRateLimited, RetryAfter: seconds}); !strings.Contains(err.Error(), want) {
			t.Errorf("%d s: %v", seconds, err)
		}
	}
}
