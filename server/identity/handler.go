package identity

import (
	"context"

	identityv1 "github.com/orderprocessing/orderprocessing/gen/identity/v1"
	"github.com/orderprocessing/orderprocessing/gen/identity/v1/identityv1connect"
)

// Handler offers the use cases as identity.v1.IdentityService.
type Handler struct{ identity *Service }

var _ identityv1connect.IdentityServiceHandler = (*Handler)(nil)

// NewHandler makes the handler of a service.
func NewHandler(s *Service) *Handler { return &Handler{identity: s} }

// RegisterUser makes a user.
func (h *Handler) RegisterUser(ctx context.Context, req *identityv1.RegisterUserRequest) (*identityv1.RegisterUserResponse, error) {
	user, err := h.identity.Register(ctx, registrationFromProto(req))
	if err != nil {
		return nil, err
	}
	return &identityv1.RegisterUserResponse{User: userToProto(user)}, nil
}

// Login gives tokens for an address and a password.
func (h *Handler) Login(ctx context.Context, req *identityv1.LoginRequest) (*identityv1.LoginResponse, error) {
	issued, user, err := h.identity.Login(ctx, req.GetEmail(), req.GetPassword())
	if err != nil {
		return nil, err
	}
	return &identityv1.LoginResponse{Tokens: tokensToProto(issued), User: userToProto(user)}, nil
}

// RefreshToken gives the next tokens of a login.
func (h *Handler) RefreshToken(ctx context.Context, req *identityv1.RefreshTokenRequest) (*identityv1.RefreshTokenResponse, error) {
	issued, err := h.identity.Refresh(ctx, req.GetRefreshToken())
	if err != nil {
		return nil, err
	}
	return &identityv1.RefreshTokenResponse{Tokens: tokensToProto(issued)}, nil
}

// Logout ends a login.
func (h *Handler) Logout(ctx context.Context, req *identityv1.LogoutRequest) (*identityv1.LogoutResponse, error) {
	if err := h.identity.Logout(ctx, req.GetRefreshToken()); err != nil {
		return nil, err
	}
	return &identityv1.LogoutResponse{}, nil
}

// ChangePassword gives the calling user another password.
func (h *Handler) ChangePassword(ctx context.Context, req *identityv1.ChangePasswordRequest) (*identityv1.ChangePasswordResponse, error) {
	if err := h.identity.ChangePassword(ctx, req.GetOldPassword(), req.GetNewPassword()); err != nil {
		return nil, err
	}
	return &identityv1.ChangePasswordResponse{}, nil
}

// GetMe tells who calls.
func (h *Handler) GetMe(ctx context.Context, _ *identityv1.GetMeRequest) (*identityv1.GetMeResponse, error) {
	me, err := h.identity.Me(ctx)
	if err != nil {
		return nil, err
	}
	return meToProto(me), nil
}
