package database

import "sync"

// Notices are told among those who share a Database, as NOTIFY tells them on Postgres: a SQLite file has
// nothing of the kind. Whoever opened the file anew does not hear them. The zero value is ready.
type Notices struct {
	mu        sync.RWMutex
	listeners map[string]func(about string)
}

// Tell tells every listener. It may be told within a transaction that writes to the file: what a listener
// then writes waits for its end.
func (n *Notices) Tell(about string) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, hear := range n.listeners {
		hear(about)
	}
}

// Listen calls hear, which must not block, until leave is called. No other listener has the name.
func (n *Notices) Listen(name string, hear func(about string)) (leave func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.listeners == nil {
		n.listeners = map[string]func(string){}
	}
	n.listeners[name] = hear
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.listeners, name)
	}
}

// Listens tells whether there is a listener of the name.
func (n *Notices) Listens(name string) bool {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.listeners[name] != nil
}
