package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

const (
	// loginLife is how long a login lasts, however often it is refreshed.
	loginLife = 30 * 24 * time.Hour
	// throttleBits is how many buckets the addresses of logins fall into, as a power of two.
	throttleBits = 20
	// sessionPrefix and refreshPrefix begin the ids of logins and their refresh tokens.
	sessionPrefix = "ses"
	refreshPrefix = "opr_"
)

// Tokens are what a login gives.
type Tokens struct {
	Access         string
	AccessExpires  time.Time
	Refresh        string
	RefreshExpires time.Time
}

// Login gives tokens for an address and a password. It fails with LOGIN_FAILED, after the same work,
// whether the address or the password is wrong; with LOGIN_THROTTLED after failures; with USER_SHUT_OUT
// only for who knows the password.
func (s *Service) Login(ctx context.Context, email, password string) (Tokens, principals.User, error) {
	var none Tokens
	email = strings.ToLower(email)
	if err := s.try(ctx, email); err != nil {
		return none, principals.User{}, err
	}
	u, err := s.Store.UserByEmail(ctx, email)
	if err != nil && fault.ReasonOf(err) != fault.ReasonUserNotFound {
		return none, u, err
	}
	matches, err := s.Passwords.Matches(ctx, password, u.PasswordHash)
	if err != nil {
		return none, u, err
	}
	if !matches {
		object := "unknown"
		if !u.ID.IsZero() {
			object = u.ID.String()
		}
		return none, principals.User{}, s.deny(ctx, "Login", object, "wrong address or password",
			fault.New(fault.KindUnauthenticated, fault.ReasonLoginFailed, "the address or the password is wrong"))
	}
	if len(u.Roles) == 0 {
		return none, principals.User{}, s.deny(ctx, "Login", u.ID.String(), "shut out", shutOut())
	}
	if err := s.forgive(ctx, email); err != nil {
		return none, u, err
	}
	if err := s.refreshHash(ctx, u, password); err != nil {
		return none, u, err
	}
	issued, err := s.begin(ctx, u)
	return issued, u, err
}

// begin stores a new login and gives its tokens.
func (s *Service) begin(ctx context.Context, u principals.User) (Tokens, error) {
	now := s.clock()
	login := principals.Session{ID: principals.NewID(now), UserID: u.ID, Created: now, Expires: now.Add(loginLife)}
	refresh := newRefreshToken()
	if err := s.Store.AddSession(ctx, login, hashOf(refresh)); err != nil {
		return Tokens{}, err
	}
	return s.issue(ctx, u, login, refresh)
}

// Refresh gives the next tokens for a refresh token, once. The second use ends the login.
func (s *Service) Refresh(ctx context.Context, token string) (Tokens, error) {
	next := newRefreshToken()
	login, reused, err := s.Store.UseRefreshToken(ctx, hashOf(token), hashOf(next), s.clock())
	if err != nil {
		return Tokens{}, err
	}
	if reused {
		return Tokens{}, s.deny(ctx, "RefreshToken", login.UserID.String(), "used twice",
			fault.New(fault.KindUnauthenticated, fault.ReasonRefreshInvalid,
				"the refresh token was used before, so the login has ended; log in again"))
	}
	u, err := s.Store.User(ctx, login.UserID)
	if err != nil || len(u.Roles) == 0 {
		if err == nil || fault.ReasonOf(err) == fault.ReasonUserNotFound {
			err = shutOut()
		}
		return Tokens{}, err
	}
	return s.issue(ctx, u, login, next)
}

// Logout ends the login of a refresh token, if it has one.
func (s *Service) Logout(ctx context.Context, token string) error {
	_, err := s.Store.EndSession(ctx, hashOf(token), s.clock())
	if fault.ReasonOf(err) == fault.ReasonRefreshInvalid {
		return nil
	}
	return err
}

func (s *Service) issue(ctx context.Context, u principals.User, login principals.Session, refresh string) (Tokens, error) {
	access, expires, err := s.Tokens.Sign(ctx, tokens.Claims{
		Subject: u.ID.String(), Session: login.ID.Format(sessionPrefix), Roles: u.Roles, CustomerID: u.CustomerID,
	})
	return Tokens{Access: access, AccessExpires: expires, Refresh: refresh, RefreshExpires: login.Expires}, err
}

// refreshHash hashes a password anew that was hashed at another cost.
func (s *Service) refreshHash(ctx context.Context, u principals.User, password string) error {
	if !s.Passwords.Outdated(u.PasswordHash) {
		return nil
	}
	hash, err := s.Passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return s.Store.SetPassword(ctx, u.ID, hash, false, s.clock())
}

func (s *Service) try(ctx context.Context, email string) error {
	return s.Store.TryLogin(ctx, s.bucket(email), s.clock())
}

func (s *Service) forgive(ctx context.Context, email string) error {
	return s.Store.ForgiveLogins(ctx, s.bucket(email), s.clock())
}

// bucket is where the tries of an address are counted, whether it has a user or not. Nobody outside
// knows which addresses share one.
func (s *Service) bucket(email string) int {
	mac := hmac.New(sha256.New, s.HashKey)
	mac.Write([]byte("login throttle\x00" + email))
	return int(binary.BigEndian.Uint32(mac.Sum(nil)) >> (32 - throttleBits))
}

func newRefreshToken() string { return refreshPrefix + strings.ToLower(rand.Text()) }

// hashOf is how a refresh token is stored: it is random, so that a plain hash tells nothing.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

func shutOut() error {
	return fault.New(fault.KindDenied, fault.ReasonUserShutOut, "the user is shut out; ask an operator")
}

// parseSession reads the id of a login.
func parseSession(text string) (id.UUID, error) { return id.Parse(sessionPrefix, text) }
