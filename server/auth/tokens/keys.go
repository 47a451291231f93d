package tokens

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// Key is a signing key as it is stored.
type Key struct {
	Number  int // from 1; the next one takes over
	ID      string
	Public  []byte // Ed25519
	Private []byte // the seed, or what Sealed makes of it
	Sealed  bool
	Signs   time.Time // from when
	Created time.Time
}

// Keys is where keys are stored, for all replicas.
type Keys interface {
	// SigningKeys gives all keys, by number.
	SigningKeys(ctx context.Context) ([]Key, error)
	// AddSigningKey stores a key, unless its number is taken: then another replica was first, which is
	// no error.
	AddSigningKey(ctx context.Context, k Key) error
	// SealSigningKey replaces the private half of a key that was not sealed.
	SealSigningKey(ctx context.Context, number int, private []byte) error
	// DropSigningKeys deletes the keys with lower numbers.
	DropSigningKeys(ctx context.Context, below int) error
}

// sealer seals private halves with AES-256-GCM. A nil sealer seals nothing.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret string) (*sealer, error) {
	if secret == "" {
		return nil, nil //nolint:nilnil // see above
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "orderprocessing signing keys", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return &sealer{aead}, nil
}

// seal binds the private half to the key's id.
func (s *sealer) seal(id string, private []byte) []byte {
	return s.aead.Seal(nil, nil, private, []byte(id)) //nolint:gosec // it makes its own nonce, and puts it in front
}

// open gives the private half of a key.
func (s *sealer) open(k Key) (ed25519.PrivateKey, error) {
	seed := k.Private
	if k.Sealed {
		if s == nil {
			return nil, wrongSecret("the signing keys are sealed; set auth.key_secret to the secret that sealed them")
		}
		var err error
		if seed, err = s.aead.Open(nil, nil, k.Private, []byte(k.ID)); err != nil {
			return nil, wrongSecret("the signing keys are sealed with another auth.key_secret")
		}
	}
	if len(seed) != ed25519.SeedSize {
		return nil, wrongSecret("the signing key %s is damaged", k.ID)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func wrongSecret(format string, args ...any) error {
	return fault.New(fault.KindPrecondition, fault.ReasonKeySecretWrong, format, args...)
}

// newKey makes the key of a number.
func (s *sealer) newKey(number int, signs, now time.Time) (Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, err
	}
	k := Key{Number: number, ID: rand.Text()[:16], Public: public, Private: private.Seed(), Signs: signs, Created: now}
	if s != nil {
		k.Private, k.Sealed = s.seal(k.ID, k.Private), true
	}
	return k, nil
}
