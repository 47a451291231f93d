// Package identity is the use cases of who may call: users and their logins, roles, API keys, and the
// proof of who calls. It also is the handler that offers them by contract. What a caller may do is
// stated by the contract and held by the interceptors.
package identity

import (
	"context"
	"strings"
	"time"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/auth/password"
	"github.com/orderprocessing/orderprocessing/server/auth/tokens"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/pagetoken"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

// Options are what a service works with. All are required.
type Options struct {
	Store     *principals.Store
	Audit     audit.Log
	Passwords *password.Hasher
	Tokens    *tokens.Tokens
	Pages     *pagetoken.Tokens
	HashKey   []byte // what API keys are hashed with; all replicas share it
	Now       func() time.Time
}

// Service is the use cases. Make it with New; it is safe for concurrent use.
type Service struct{ Options }

// New makes the use cases.
func New(o Options) *Service { return &Service{o} }

func (s *Service) clock() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// Me is who calls; User is set when a user does.
type Me struct {
	Caller auth.Caller
	User   *principals.User
}

// Me tells who calls.
func (s *Service) Me(ctx context.Context) (Me, error) {
	me := Me{Caller: auth.CallerFrom(ctx)}
	if me.Caller.ID == "" {
		return me, nobody()
	}
	if userID, err := principals.ParseUserID(me.Caller.ID); err == nil {
		user, err := s.Store.User(ctx, userID)
		if err != nil {
			return me, err
		}
		me.User = &user
	}
	return me, nil
}

// AssignRoles says what a user may be, in place of what the user was before. None shut the user out.
func (s *Service) AssignRoles(ctx context.Context, userID principals.UserID, roles []auth.Role) (principals.User, error) {
	before, after, err := s.Store.SetRoles(ctx, userID, roles, s.clock())
	if err != nil {
		return after, err
	}
	return after, s.record(ctx, audit.Record{
		Action: "identity.AssignRole", Object: userID.String(), Outcome: audit.Done,
		Detail: names(before.Roles) + " -> " + names(after.Roles),
	})
}

// record keeps a record of what was done or denied, whether or not the caller still waits for it.
func (s *Service) record(ctx context.Context, r audit.Record) error {
	return s.Audit.Append(context.WithoutCancel(ctx), r)
}

// deny keeps a record of something refused, and gives the refusal.
func (s *Service) deny(ctx context.Context, action, object, why string, refusal error) error {
	err := s.record(ctx, audit.Record{Action: "identity." + action, Object: object, Outcome: audit.Denied, Detail: why})
	if err != nil {
		return err
	}
	return refusal
}

// names writes roles for people.
func names(roles []auth.Role) string {
	if len(roles) == 0 {
		return "none"
	}
	all := make([]string, len(roles))
	for i, role := range roles {
		all[i] = role.String()
	}
	return strings.Join(all, ",")
}

func nobody() error {
	return fault.New(fault.KindUnauthenticated, fault.ReasonCredentialsInvalid, "the call carries no credentials")
}
