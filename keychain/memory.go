package keychain

import (
	"bytes"
	"context"
	"sync"
)

// memory is the store for one run.
type memory struct {
	mu      sync.Mutex
	entries map[string][]byte
}

func newMemory() *memory { return &memory{entries: make(map[string][]byte)} }

func (m *memory) get(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.entries[name]
	if !ok {
		return nil, ErrNotFound
	}
	return bytes.Clone(v), nil
}

func (m *memory) set(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries[name] = value
	return nil
}

func (m *memory) delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.entries[name]; !ok {
		return ErrNotFound
	}
	delete(m.entries, name)
	return nil
}
