package tokens

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// turn is how long a key signs before the next one does.
	turn = 30 * 24 * time.Hour
	// notice is how long a key is published before it signs: whoever caches the JWKS reads it in time.
	notice = 24 * time.Hour
	// readEvery is how often the stored keys are read again.
	readEvery = time.Minute
	// missEvery bounds how often an unknown key id makes us read them: strangers choose those.
	missEvery = 2 * time.Second
)

// ring is the keys as they stand. It has no life of its own: whoever signs, checks or publishes moves
// it on.
type ring struct {
	keys   Keys
	sealer *sealer
	now    func() time.Time

	mu     sync.Mutex
	known  []Key // by number
	signs  jose.Signer
	number int // of the key that signs
	readAt time.Time
}

func newRing(o Options) (*ring, error) {
	sealer, err := newSealer(o.Secret)
	return &ring{keys: o.Keys, sealer: sealer, now: o.Now}, err
}

// signer gives what signs now.
func (r *ring) signer(ctx context.Context) (jose.Signer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refresh(ctx, readEvery); err != nil {
		return nil, err
	}
	current := r.current()
	if r.number == current.Number {
		return r.signs, nil
	}
	private, err := r.sealer.open(current)
	if err != nil {
		return nil, err
	}
	r.signs, err = jose.NewSigner(
		jose.SigningKey{Algorithm: jose.EdDSA, Key: jose.JSONWebKey{Key: private, KeyID: current.ID}},
		(&jose.SignerOptions{}).WithType(mediaType),
	)
	if err == nil {
		r.number = current.Number
	}
	return r.signs, err
}

// verifier gives the public key of an id. An id that is not known may be that of a new key.
func (r *ring) verifier(ctx context.Context, id string) (ed25519.PublicKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, age := range []time.Duration{readEvery, missEvery} {
		if err := r.refresh(ctx, age); err != nil {
			return nil, err
		}
		for _, k := range r.live() {
			if k.ID == id {
				return k.Public, nil
			}
		}
	}
	return nil, invalid(errors.New("the key is not known"))
}

func (r *ring) published(ctx context.Context) (set jose.JSONWebKeySet, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.refresh(ctx, readEvery); err != nil {
		return set, err
	}
	for _, k := range r.live() {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: ed25519.PublicKey(k.Public), KeyID: k.ID, Algorithm: string(jose.EdDSA), Use: "sig",
		})
	}
	return set, nil
}

// refresh reads the stored keys when they were read longer ago than age, and makes the next key when
// it is time. Keys that are known already serve on when the store does not answer.
func (r *ring) refresh(ctx context.Context, age time.Duration) error {
	now := r.now()
	if len(r.known) > 0 && now.Sub(r.readAt) < age {
		return nil
	}
	err := r.read(ctx)
	if err == nil && r.nextDue(now) {
		if err = r.makeNext(ctx, now); err == nil {
			err = r.read(ctx)
		}
	}
	if err != nil && len(r.known) == 0 {
		return err
	}
	r.readAt = now
	return nil
}

func (r *ring) read(ctx context.Context) error {
	keys, err := r.keys.SigningKeys(ctx)
	if err != nil {
		return err
	}
	for i, k := range keys {
		if k.Sealed || r.sealer == nil {
			continue
		}
		keys[i].Private, keys[i].Sealed = r.sealer.seal(k.ID, k.Private), true
		if err := r.keys.SealSigningKey(ctx, k.Number, keys[i].Private); err != nil {
			return err
		}
	}
	r.known = keys
	return nil
}

// nextDue tells whether the last key has signed so long that its successor must be published.
func (r *ring) nextDue(now time.Time) bool {
	return len(r.known) == 0 || !now.Before(r.known[len(r.known)-1].Signs.Add(turn-notice))
}

// makeNext stores the next key and drops those whose tokens have all expired. The first key signs at
// once, every other one after a notice.
func (r *ring) makeNext(ctx context.Context, now time.Time) error {
	number, signs := 1, now
	if n := len(r.known); n > 0 {
		number, signs = r.known[n-1].Number+1, now.Add(notice)
	}
	k, err := r.sealer.newKey(number, signs, now)
	if err != nil {
		return err
	}
	if err := r.keys.AddSigningKey(ctx, k); err != nil {
		return err
	}
	if live := r.live(); len(live) > 0 {
		return r.keys.DropSigningKeys(ctx, live[0].Number)
	}
	return nil
}

// current gives the last key whose time to sign has come; known is not empty.
func (r *ring) current() Key {
	current := r.known[0]
	for _, k := range r.known {
		if !k.Signs.After(r.now()) {
			current = k
		}
	}
	return current
}

// live gives the keys whose tokens may be good: all but those whose successor has signed for longer
// than a token lives, and a while for replicas that have not noticed yet.
func (r *ring) live() []Key {
	for i := len(r.known) - 1; i > 0; i-- {
		if r.now().After(r.known[i].Signs.Add(Life + leeway + readEvery)) {
			return r.known[i:]
		}
	}
	return r.known
}
