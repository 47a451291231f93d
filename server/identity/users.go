package identity

import (
	"context"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/audit"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/store/principals"
)

// Registration is what a user is made from.
type Registration struct {
	Email, Password, Name string
	CustomerID            string // only staff may say; empty for the user's own id
	RequestID             string
}

// Register makes a user, who is a customer. The same request again gives the same user; another one
// with the same address fails with EMAIL_TAKEN.
func (s *Service) Register(ctx context.Context, r Registration) (principals.User, error) {
	caller := auth.CallerFrom(ctx)
	if r.CustomerID != "" && !caller.Is(auth.Staff) && !caller.Is(auth.Operator) {
		return principals.User{}, s.deny(ctx, "RegisterUser", "", "chose a customer", fault.New(fault.KindDenied,
			fault.ReasonCustomerRefused, "only staff may say whose orders a user sees"))
	}
	hash, err := s.Passwords.Hash(ctx, r.Password)
	if err != nil {
		return principals.User{}, err
	}
	now := s.clock()
	u := principals.User{
		ID: principals.UserID{UUID: principals.NewID(now)}, Email: strings.ToLower(r.Email), Name: r.Name, PasswordHash: hash,
		Roles: []auth.Role{auth.Customer}, CustomerID: r.CustomerID, RequestID: r.RequestID, Created: now, Updated: now,
	}
	if u.CustomerID == "" {
		u.CustomerID = u.ID.String()
	}
	err = s.Store.AddUser(ctx, u)
	if fault.ReasonOf(err) == fault.ReasonEmailTaken {
		return s.registered(ctx, r, err)
	}
	if err == nil && caller.ID != "" {
		err = s.record(ctx, audit.Record{
			Action: "identity.RegisterUser", Object: u.ID.String(), Outcome: audit.Done, Detail: "customer " + audit.Pseudonym(u.CustomerID),
		})
	}
	return u, err
}

// registered gives the user that the same request made before.
func (s *Service) registered(ctx context.Context, r Registration, taken error) (principals.User, error) {
	u, err := s.Store.UserByEmail(ctx, strings.ToLower(r.Email))
	if err != nil {
		return principals.User{}, err
	}
	if u.RequestID != r.RequestID {
		return principals.User{}, taken
	}
	same, err := s.Passwords.Matches(ctx, r.Password, u.PasswordHash)
	if err == nil && !same {
		err = taken
	}
	if err != nil {
		return principals.User{}, err
	}
	return u, nil
}

// ChangePassword gives the calling user another password. All logins of the user end.
func (s *Service) ChangePassword(ctx context.Context, before, after string) error {
	me, err := s.Me(ctx)
	if err != nil {
		return err
	}
	if me.User == nil {
		return fault.New(fault.KindDenied, fault.ReasonNoUser, "only a user has a password")
	}
	u := *me.User
	if err := s.try(ctx, u.Email); err != nil {
		return err
	}
	matches, err := s.Passwords.Matches(ctx, before, u.PasswordHash)
	if err != nil {
		return err
	}
	if !matches {
		return s.deny(ctx, "ChangePassword", u.ID.String(), "wrong password",
			fault.New(fault.KindDenied, fault.ReasonLoginFailed, "the password until now is another one"))
	}
	hash, err := s.Passwords.Hash(ctx, after)
	if err != nil {
		return err
	}
	if err := s.forgive(ctx, u.Email); err != nil {
		return err
	}
	if err := s.Store.SetPassword(ctx, u.ID, hash, true, s.clock()); err != nil {
		return err
	}
	return s.record(ctx, audit.Record{Action: "identity.ChangePassword", Object: u.ID.String(), Outcome: audit.Done})
}
