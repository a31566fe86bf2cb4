package store

// Derive is a secret that all nodes of this database share, for one use that
// the label names.
func (s *Store) Derive(label string) [32]byte {
	return [32]byte(keyedHash(s.keys.Hash, "derive", []byte(label)))
}
