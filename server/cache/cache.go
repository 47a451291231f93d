// Package cache says what it takes to keep copies of versioned values near those who read them, such
// that no copy ever goes back in time. What is kept, under which key and for how long, is up to
// whoever caches.
package cache

import (
	"context"
	"time"
)

// Cache keeps entries by key. It may lose any of them at any time. Implementations are safe for
// concurrent use.
//
// A value gets in by two ways. Who finds nothing is given a lease, loads the value, and fills it in
// under the lease. Who has changed the value updates what is there. An update ends the lease of its
// key, and so does the loss of an entry: what was loaded before a change is never filled in after it.
// An update adds nothing: what is not there cannot be old, and what was just written need not be what
// is read. So once a version was filled in or found, or an update has told of it, no lower one is found.
type Cache interface {
	// Get gives the entry of a key, or a lease to fill it. The lease is not 0 then. It is the same for
	// all who ask until it ends, and never comes back.
	Get(ctx context.Context, key string) (Entry, Lease, error)

	// Fill stores an entry that was loaded after the lease was given, for as long as expiry says, and
	// tells whether it did. When the lease has ended the entry is an update and no more: who else was
	// given a lease meanwhile may have loaded what is older.
	Fill(ctx context.Context, key string, lease Lease, e Entry, expiry time.Duration) (bool, error)

	// Update lets the cache know of changes. An entry of a lower version is replaced, or dropped when
	// the update has no value; one of the same or a higher version stays. A lease ends.
	Update(ctx context.Context, updates ...Update) error
}

// Entry is a value at a version.
type Entry struct {
	Version int64
	Value   []byte // not to be changed
}

// Lease lets its holder fill an entry. 0 is none.
type Lease uint64

// Update is a change of the value of a key.
type Update struct {
	Key     string
	Version int64         // after the change
	Value   func() []byte // after the change; called when it is needed; nil drops what is older
	Expiry  time.Duration // of the value
}
