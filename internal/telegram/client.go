package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/httpclient"
)

const (
	// pollTime is how long Telegram is asked to wait for updates.
	pollTime = 25 * time.Second
	// callTime bounds every other call, from dialling to the last byte of the answer.
	callTime = 15 * time.Second
	dialTime = 5 * time.Second
	// maxAnswer bounds an answer, and maxUpdates one with updates, in bytes: 50 of the largest have room in it.
	maxAnswer  = 1 << 20
	maxUpdates = 16 << 20
)

// client sends requests to the Bot API for the library and for Updates. It follows no redirect, reads whole answers of a
// limited size, and gives each refusal as a *chat.Error, which the library would make a text of.
type client struct {
	http *http.Client
}

func newClient() *client {
	return &client{http: &http.Client{CheckRedirect: httpclient.NoRedirects, Transport: httpclient.NewTransport(dialTime)}}
}

// Do sends a request. The error of an answer that is not ok, or of none, is a *chat.Error.
func (c *client) Do(req *http.Request) (*http.Response, error) {
	limit, within := int64(maxAnswer), callTime
	if strings.HasSuffix(req.URL.Path, "/"+updatesMethod) {
		limit, within = maxUpdates, pollTime+callTime
	}
	ctx, cancel := context.WithTimeout(req.Context(), within)
	defer cancel()
	req = req.WithContext(ctx)
	req.Header.Set("User-Agent", "Fanfare")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, unanswered(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(http.MaxBytesReader(nil, resp.Body, limit))
	if err != nil {
		return nil, &chat.Error{Class: chat.Transient, Status: resp.StatusCode, Err: fmt.Errorf("read answer: %w", err)}
	}
	if err := judge(resp.StatusCode, body, time.Now()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// unanswered takes the address, which has the token, from an error of net/http.
func unanswered(err error) *chat.Error {
	var named *url.Error
	if errors.As(err, &named) {
		err = named.Err
	}
	return &chat.Error{Class: chat.Transient, Err: err}
}

// maxDescription is how much of Telegram's words goes to the log, in bytes.
const maxDescription = 200

// judge reads what all answers have (https://core.telegram.org/bots/api#making-requests). An answer that is not Telegram's,
// such as a proxy's page, says nothing of the chat or the token, whatever its status.
func judge(status int, body []byte, now time.Time) error {
	var answer struct {
		OK          *bool  `json:"ok"`
		Code        int    `json:"error_code"`
		Description string `json:"description"`
		Parameters  struct {
			RetryAfter int64 `json:"retry_after"`
			NewID      int64 `json:"migrate_to_chat_id"`
		} `json:"parameters"`
	}
	e := &chat.Error{Class: chat.Transient, Status: status}
	if err := json.Unmarshal(body, &answer); err != nil || answer.OK == nil {
		e.Err = errors.New("the answer is not Telegram's")
		return e
	}
	if *answer.OK && status == http.StatusOK {
		return nil
	}
	description := answer.Description
	if len(description) > maxDescription {
		description = description[:maxDescription]
	}
	e.Err = &refusal{description: strings.ToValidUTF8(description, "")}
	if status < 300 || status > 399 { // a redirect is nobody's answer
		e.Class = class(answer.Code)
	}
	if answer.Code != 0 {
		e.Status = answer.Code
	}
	if answer.Parameters.NewID != 0 {
		// The chat is there, under its new id.
		e.Class, e.NewID = chat.Transient, strconv.FormatInt(answer.Parameters.NewID, 10)
	}
	if wait := answer.Parameters.RetryAfter; wait > 0 {
		e.RetryAt = now.Add(time.Duration(min(wait, int64(maxRetry/time.Second))) * time.Second)
	}
	return e
}

// maxRetry bounds what Telegram may have us wait.
const maxRetry = 24 * time.Hour

// refusal is Telegram's word for an error. It is for logs, and for the one case that only words tell: notModified.
type refusal struct {
	description string
}

func (r *refusal) Error() string { return "telegram: " + r.description }

func class(code int) chat.Class {
	switch code {
	case http.StatusUnauthorized, http.StatusNotFound: // 404 is what a token gets that has not the form of one
		return chat.Credential
	case http.StatusForbidden:
		return chat.Gone
	case http.StatusTooManyRequests:
		return chat.RateLimited
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return chat.Invalid
	}
	return chat.Transient
}

// failure takes the *chat.Error out of the library's words. What is none of ours is an answer that the library cannot read.
func failure(err error) error {
	var known *chat.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	}
	return &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("the answer cannot be read")}
}
