package principals

import (
	"context"

	"github.com/orderprocessing/orderprocessing/ent/db"
	"github.com/orderprocessing/orderprocessing/ent/db/apikey"
	"github.com/orderprocessing/orderprocessing/ent/db/apikeysecret"
	entlogin "github.com/orderprocessing/orderprocessing/ent/db/login"
	"github.com/orderprocessing/orderprocessing/ent/db/refreshtoken"
	"github.com/orderprocessing/orderprocessing/ent/db/user"
	"github.com/orderprocessing/orderprocessing/server/auth"
	"github.com/orderprocessing/orderprocessing/server/domain/id"
)

// EraseCustomer removes the users and API keys that act as a customer, and tells how many. A user who has
// other roles than a customer's keeps them, and is a customer with orders of their own from then on.
func (s *Store) EraseCustomer(ctx context.Context, customerID string) (users, keys int, err error) {
	err = s.inTx(ctx, func(tx *db.Client) error {
		found, err := tx.User.Query().Where(user.CustomerID(customerID)).All(ctx)
		if err != nil {
			return err
		}
		users = 0
		for _, row := range found {
			removed, err := eraseUser(ctx, tx, row)
			if err != nil {
				return err
			}
			if removed {
				users++
			}
		}
		ended, err := tx.APIKey.Query().Where(apikey.CustomerID(customerID)).IDs(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.APIKeySecret.Delete().Where(apikeysecret.KeyIDIn(ended...)).Exec(ctx); err != nil {
			return err
		}
		keys, err = tx.APIKey.Delete().Where(apikey.IDIn(ended...)).Exec(ctx)
		return err
	})
	return users, keys, err
}

func eraseUser(ctx context.Context, tx *db.Client, row *db.User) (removed bool, err error) {
	userID := UserID{id.UUID(row.ID)}
	if row.Roles != 0 && row.Roles != rolesToRow([]auth.Role{auth.Customer}) {
		return false, tx.User.UpdateOneID(row.ID).SetCustomerID(userID.String()).Exec(ctx)
	}
	logins, err := tx.Login.Query().Where(entlogin.UserID(row.ID)).IDs(ctx)
	if err != nil {
		return false, err
	}
	if _, err := tx.RefreshToken.Delete().Where(refreshtoken.SessionIDIn(logins...)).Exec(ctx); err != nil {
		return false, err
	}
	if _, err := tx.Login.Delete().Where(entlogin.UserID(row.ID)).Exec(ctx); err != nil {
		return false, err
	}
	return true, tx.User.DeleteOneID(row.ID).Exec(ctx)
}
