package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/jobs"
	"fanfare/queries"
)

// Post is what is to be said, once, on one or more connected accounts.
type Post struct {
	ID              uuid.UUID      `json:"id" format:"uuid"`
	CampaignID      *uuid.UUID     `json:"campaign_id" format:"uuid" nullable:"true"`
	Title           string         `json:"title" doc:"A heading, for platforms that have one."`
	Text            string         `json:"text"`
	State           string         `json:"state" enum:"draft,pending_approval,approved,scheduled,publishing,published,partially_published,failed,needs_attention,cancelled" doc:"Follows from the states of the platform posts."`
	ScheduledAt     *time.Time     `json:"scheduled_at" doc:"When it goes out, or went out, in UTC."`
	ScheduledLocal  *string        `json:"scheduled_local" doc:"The same by the clocks of time_zone, with their offset." example:"2030-01-02T09:00:00+01:00"`
	TimeZone        string         `json:"time_zone" doc:"The customer's." example:"Europe/Berlin"`
	SlotAt          *time.Time     `json:"slot_at" doc:"The slot of the queue that it has; null: none."`
	RecurringPostID *uuid.UUID     `json:"recurring_post_id" format:"uuid" nullable:"true" doc:"What it is a copy of."`
	OccurrenceAt    *time.Time     `json:"occurrence_at" doc:"For which of its times the copy was made."`
	SpaceID         *uuid.UUID     `json:"space_id" format:"uuid" nullable:"true" doc:"The space that it was written in; null: none."`
	MediaIDs        []uuid.UUID    `json:"media_ids" nullable:"false" doc:"The files that it shows, in order."`
	ApprovedAt      *time.Time     `json:"approved_at" doc:"When somebody approved it as it is now; null: nobody has."`
	ApprovedBy      *uuid.UUID     `json:"approved_by" format:"uuid" nullable:"true" doc:"Who approved it."`
	PlatformPosts   []PlatformPost `json:"platform_posts" nullable:"false"`
	CreatedAt       time.Time      `json:"created_at"`
	UpdatedAt       time.Time      `json:"updated_at"`
}

// PlatformPost is a post on one connected account.
type PlatformPost struct {
	ID            uuid.UUID        `json:"id" format:"uuid"`
	IntegrationID uuid.UUID        `json:"integration_id" format:"uuid"`
	Platform      string           `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	Text          string           `json:"text" doc:"Its text there: its own, or the post's."`
	OwnText       bool             `json:"own_text" doc:"The text is its own."`
	MediaIDs      *[]uuid.UUID     `json:"media_ids" doc:"Files of its own, in order; null: it shows the post's."`
	Options       platform.Options `json:"options"`
	State         string           `json:"state" enum:"draft,pending_approval,approved,scheduled,publishing,published,failed,needs_attention,cancelled"`
	ExternalURL   *string          `json:"external_url" doc:"Where readers see it."`
	PublishedAt   *time.Time       `json:"published_at"`
	ProblemClass  *string          `json:"problem_class" enum:"credential,invalid,rate_limited,payment_required,transient,unknown_outcome" doc:"What kind of problem there was at the last attempt, or holds up the next one."`
	Problem       *string          `json:"problem" doc:"What happened and what to do."`
	ProblemSince  *time.Time       `json:"problem_since" doc:"Since when it has that problem, without another in between; null: it has none, or nobody noted it."`
	RetryAt       *time.Time       `json:"retry_at" doc:"When the next attempt is made, or what holds it up is looked at again."`
}

type postOutput struct {
	ETag string `header:"ETag"`
	Body Post
}

// PostPath is the path of a post.
type PostPath struct {
	CustomerPath
	PostID uuid.UUID `path:"post_id" format:"uuid" doc:"The post."`
}

// PostPlatform names an account that a post goes to, by its id or as the default of its platform.
type PostPlatform struct {
	IntegrationID *uuid.UUID       `json:"integration_id,omitempty" format:"uuid" doc:"The connected account."`
	Platform      string           `json:"platform,omitempty" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"In place of integration_id: the default account of this platform, as it is now. twitter is X."`
	Text          *string          `json:"text,omitempty" minLength:"1" maxLength:"100000" doc:"A text of its own; the post's text if left out."`
	MediaIDs      *[]uuid.UUID     `json:"media_ids,omitempty" maxItems:"20" doc:"Files of its own, in order; the post's files if left out."`
	Options       platform.Options `json:"options,omitzero" doc:"What only its platform has."`
}

// PostCreate is a new draft.
type PostCreate struct {
	Title      string         `json:"title,omitempty" maxLength:"255"`
	Text       string         `json:"text" minLength:"1" maxLength:"100000"`
	CampaignID *uuid.UUID     `json:"campaign_id,omitempty" format:"uuid" nullable:"true"`
	MediaIDs   []uuid.UUID    `json:"media_ids,omitempty" maxItems:"20" nullable:"false" doc:"The files that it shows, in order."`
	Platforms  []PostPlatform `json:"platforms,omitempty" maxItems:"50" nullable:"false"`
}

// PostUpdate changes the fields that are given. campaign_id can be cleared with null, elsewhere null is as if
// the field were left out; media_ids and platforms replace the whole list.
type PostUpdate struct {
	Title      *string             `json:"title,omitempty" maxLength:"255"`
	Text       *string             `json:"text,omitempty" minLength:"1" maxLength:"100000"`
	CampaignID Nullable[uuid.UUID] `json:"campaign_id,omitempty" format:"uuid"`
	MediaIDs   *[]uuid.UUID        `json:"media_ids,omitempty" maxItems:"20"`
	Platforms  *[]PostPlatform     `json:"platforms,omitempty" maxItems:"50"`
}

func (u PostUpdate) empty() bool {
	return u.Title == nil && u.Text == nil && !u.CampaignID.Sent && u.MediaIDs == nil && u.Platforms == nil
}

func (a *API) registerPosts() {
	tags := []string{"Posts"}
	const list, one = "/v1/customers/{customer_id}/posts", "/v1/customers/{customer_id}/posts/{post_id}"
	register(a, huma.Operation{
		OperationID: "list-posts", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List posts",
	}, a.listPosts)
	register(a, huma.Operation{
		OperationID: "create-post", Metadata: needs("posts:write"), Method: http.MethodPost, Path: list, Tags: tags, Summary: "Draft a post",
		DefaultStatus: http.StatusCreated,
	}, a.createPost)
	register(a, huma.Operation{
		OperationID: "get-post", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a post",
	}, a.getPost)
	register(a, huma.Operation{
		OperationID: "update-post", Metadata: needs("posts:write"), Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change a post",
		Description: "What the post says, and what it says on each account, can be changed until publishing begins; to which accounts it goes, as long as it is not scheduled. " +
			"Where the customer asks for approval, a post that is approved or scheduled is to be approved again after a change, as its state then says; its time stays.",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updatePost)
}

// PostFilter says which posts of a customer are listed, and in which order.
type PostFilter struct {
	Q             string   `query:"q" maxLength:"200" doc:"What to search for in titles and texts: words that must all be there. Case and accents do not matter, and the last word may be unfinished from its third letter on. Of a long text the first 20,000 characters are searched."`
	CampaignID    string   `query:"campaign_id" format:"uuid" doc:"Only posts of this campaign."`
	State         []string `query:"state" nullable:"false" enum:"draft,pending_approval,approved,scheduled,publishing,published,partially_published,failed,needs_attention,cancelled" maxItems:"10" doc:"Only posts in this state, or in one of several: state=failed,needs_attention."`
	Platform      string   `query:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"Only posts that go to an account of this platform. twitter is X."`
	IntegrationID string   `query:"integration_id" format:"uuid" doc:"Only posts that go to this account."`
	SpaceID       string   `query:"space_id" format:"uuid" doc:"Only posts that were written in this space."`
	Order         string   `query:"order" enum:"created,scheduled" default:"created" doc:"created: the newest first. scheduled: those that have a time, the latest first. A cursor is of one order."`
}

// params are what the filters ask for; none where there is no filter.
func (f PostFilter) params(page PageQuery) (params queries.PostFindParams, filtered bool, err error) {
	params = queries.PostFindParams{ByTime: f.Order == "scheduled", Before: uuid.Max, MaxRows: page.more()}
	if params.ByTime {
		at, id, err := timeCursor(listOfPostsByTime, page.Cursor)
		if err != nil {
			return params, true, err
		}
		if page.Cursor != "" {
			params.BeforeTime, params.Before = &at, id
		}
	} else if params.Before, err = page.before(listOfPosts); err != nil {
		return params, true, err
	}
	for _, id := range []struct {
		name, text string
		to         **uuid.UUID
	}{{"campaign_id", f.CampaignID, &params.CampaignID}, {"integration_id", f.IntegrationID, &params.IntegrationID}, {"space_id", f.SpaceID, &params.SpaceID}} {
		if *id.to, err = queryID("query."+id.name, id.text); err != nil {
			return params, true, err
		}
	}
	if f.Q != "" {
		params.Words = &f.Q
	}
	if f.Platform != "" {
		params.Platform = &f.Platform
	}
	params.States = f.State
	return params, params.ByTime || params.Words != nil || params.CampaignID != nil || params.States != nil || params.Platform != nil || params.IntegrationID != nil || params.SpaceID != nil, nil
}

func (a *API) listPosts(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
	PostFilter
}) (*pageOutput[Post], error) {
	params, filtered, err := in.params(in.PageQuery)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.PostListRow, error) {
		if !filtered {
			return q.PostList(ctx, queries.PostListParams{Before: params.Before, MaxRows: params.MaxRows})
		}
		found, err := q.PostFind(ctx, params)
		rows := make([]queries.PostListRow, len(found))
		for i, row := range found {
			rows[i] = queries.PostListRow(row)
		}
		return rows, err
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.PostListRow) (Post, error) { return postFrom(queries.PostGetRow(row)) }
	body, err := page(rows, in.Limit, convert, func(row queries.PostListRow) string {
		if params.ByTime {
			return cursorOfTime(listOfPostsByTime, *row.ScheduledAt, row.ID)
		}
		return cursorOf(listOfPosts, row.ID)
	})
	return &pageOutput[Post]{Body: body}, err
}

func (a *API) createPost(ctx context.Context, in *struct {
	CustomerPath
	Body PostCreate
}) (*postOutput, error) {
	if err := checkPlatforms(in.Body.Platforms); err != nil {
		return nil, err
	}
	if err := eachOnce("body.media_ids", in.Body.MediaIDs); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return a.answerPost(ctx, PostPath{in.CustomerPath, id}, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		accounts, err := accountsOf(ctx, q, in.Body.Platforms)
		if err != nil {
			return err
		}
		if err := q.PostCreate(ctx, queries.PostCreateParams{
			ID: id, CampaignID: in.Body.CampaignID, Title: in.Body.Title, Text: in.Body.Text,
		}); err != nil {
			return err
		}
		if len(in.Body.MediaIDs) > 0 {
			if err := q.PostMediaCreate(ctx, queries.PostMediaCreateParams{PostID: id, MediaIds: in.Body.MediaIDs}); err != nil {
				return err
			}
		}
		return createPlatformPosts(ctx, q, id, accounts)
	})
}

// postAccount is an account that a post goes to.
type postAccount struct {
	integrationID uuid.UUID
	text          *string
	// mediaIDs are its own files; nil: it shows the post's.
	mediaIDs *[]uuid.UUID
	options  json.RawMessage
}

// maxOptions is how large the options of a platform post may be, in bytes of JSON.
const maxOptions = 60 << 10

// checkPlatforms refuses a list with an entry that names no account, or one in two ways, a file twice, or options that are too
// large.
func checkPlatforms(platforms []PostPlatform) error {
	for i, p := range platforms {
		place := fmt.Sprintf("body.platforms[%d]", i)
		if (p.IntegrationID == nil) == (p.Platform == "") {
			return invalid(place, "must have integration_id or platform, and not both")
		}
		if p.MediaIDs != nil {
			if err := eachOnce(place+".media_ids", *p.MediaIDs); err != nil {
				return err
			}
		}
		if err := checkVariables(place+".options.variables", p.Options.Variables); err != nil {
			return err
		}
		options, err := json.Marshal(p.Options)
		if err != nil {
			return fmt.Errorf("encode options: %w", err)
		}
		if len(options) > maxOptions {
			return invalid(place+".options", fmt.Sprintf("must be at most %d bytes of JSON, not %d", maxOptions, len(options)))
		}
	}
	return nil
}

// eachOnce refuses a list that names something twice. Huma's own check (uniqueItems) panics on lists that hold lists or objects.
func eachOnce[T comparable](place string, list []T) error {
	for i, one := range list {
		if slices.Contains(list[:i], one) {
			return invalid(fmt.Sprintf("%s[%d]", place, i), "stands further up already")
		}
	}
	return nil
}

// accountsOf gives the accounts that a list names, and refuses one that names an account twice.
func accountsOf(ctx context.Context, q *queries.Queries, platforms []PostPlatform) ([]postAccount, error) {
	var named []string
	for _, p := range platforms {
		if p.Platform != "" {
			named = append(named, p.Platform)
		}
	}
	defaults := map[string]uuid.UUID{}
	if len(named) > 0 {
		rows, err := q.IntegrationListDefaults(ctx, named)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			defaults[row.Platform] = row.ID
		}
	}
	seen := map[uuid.UUID]bool{}
	accounts := make([]postAccount, 0, len(platforms))
	for i, p := range platforms {
		id, place := defaults[p.Platform], "platform"
		switch {
		case p.IntegrationID != nil:
			id, place = *p.IntegrationID, "integration_id"
		case id == uuid.Nil:
			return nil, noDefault(i)
		}
		if seen[id] {
			return nil, invalid(fmt.Sprintf("body.platforms[%d].%s", i, place), "names an account that stands further up already")
		}
		seen[id] = true
		options, err := json.Marshal(p.Options)
		if err != nil {
			return nil, fmt.Errorf("encode options: %w", err)
		}
		accounts = append(accounts, postAccount{id, p.Text, p.MediaIDs, options})
	}
	return accounts, nil
}

// noDefault refuses an entry that names a platform without an account.
func noDefault(i int) *Problem {
	return invalid(fmt.Sprintf("body.platforms[%d].platform", i), "has no connected account here: connect one, or name one by integration_id")
}

func createPlatformPosts(ctx context.Context, q *queries.Queries, postID uuid.UUID, accounts []postAccount) error {
	for _, account := range accounts {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make id: %w", err)
		}
		if err := q.PlatformPostCreate(ctx, queries.PlatformPostCreateParams{
			ID: id, PostID: postID, IntegrationID: account.integrationID, Text: account.text,
			Options: account.options, OwnMedia: account.mediaIDs != nil,
		}); err != nil {
			return err
		}
		if account.mediaIDs == nil || len(*account.mediaIDs) == 0 {
			continue
		}
		if err := q.PlatformPostMediaCreate(ctx, queries.PlatformPostMediaCreateParams{PlatformPostID: id, MediaIds: *account.mediaIDs}); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) getPost(ctx context.Context, in *PostPath) (*postOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.PostGetRow, error) { return q.PostGet(ctx, in.PostID) })
	if err != nil {
		return nil, noRows(err, "post")
	}
	return postAnswer(row)
}

func (a *API) updatePost(ctx context.Context, in *struct {
	PostPath
	Condition
	Body PostUpdate
}) (*postOutput, error) {
	if in.Body.empty() {
		return nil, nothingToChange()
	}
	if in.Body.Platforms != nil {
		if err := checkPlatforms(*in.Body.Platforms); err != nil {
			return nil, err
		}
	}
	if in.Body.MediaIDs != nil {
		if err := eachOnce("body.media_ids", *in.Body.MediaIDs); err != nil {
			return nil, err
		}
	}
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		post, err := lockPost(ctx, q, in.PostID, in.Condition)
		if err != nil {
			return err
		}
		if in.Body.Title != nil || in.Body.Text != nil || in.Body.CampaignID.Sent {
			changed, err := q.PostUpdate(ctx, queries.PostUpdateParams{
				ID: in.PostID, Title: in.Body.Title, Text: in.Body.Text,
				CampaignIDDoUpdate: in.Body.CampaignID.Sent, CampaignID: in.Body.CampaignID.Value,
			})
			if err != nil {
				return err
			}
			if changed == 0 {
				return forbidden()
			}
		}
		if in.Body.MediaIDs != nil {
			if err := setPostMedia(ctx, q, in.PostID, *in.Body.MediaIDs); err != nil {
				return err
			}
		}
		if in.Body.Platforms == nil {
			return nil
		}
		accounts, err := accountsOf(ctx, q, *in.Body.Platforms)
		if err != nil {
			return err
		}
		if err := replacePlatforms(ctx, q, in.PostID, post.State, accounts); err != nil {
			return err
		}
		_, err = q.PlatformPostSubmitAdded(ctx, in.PostID)
		return err
	})
}

// setPostMedia makes a post show exactly these files. Where it does already, nothing changes.
func setPostMedia(ctx context.Context, q *queries.Queries, postID uuid.UUID, ids []uuid.UUID) error {
	has, err := q.PostMediaList(ctx, postID)
	if err != nil || slices.Equal(has, ids) {
		return err
	}
	if err := q.PostMediaDelete(ctx, postID); err != nil {
		return err
	}
	return q.PostMediaCreate(ctx, queries.PostMediaCreateParams{PostID: postID, MediaIds: ids})
}

// replacePlatforms makes the post go to exactly the named accounts. Accounts that stay keep their platform post. What is scheduled
// may say something else on its accounts, and goes to the same ones.
func replacePlatforms(ctx context.Context, q *queries.Queries, postID uuid.UUID, state string, accounts []postAccount) error {
	named := make([]uuid.UUID, 0, len(accounts))
	for _, account := range accounts {
		named = append(named, account.integrationID)
	}
	switch state {
	case "draft", "pending_approval", "approved", "failed", "cancelled":
	case "scheduled":
		return rewriteScheduled(ctx, q, postID, named, accounts)
	default:
		return conflict("The accounts of a post that is " + spoken(state) + " cannot be changed.")
	}
	if _, err := q.PlatformPostDeleteOthers(ctx, queries.PlatformPostDeleteOthersParams{PostID: postID, KeepIntegrationIds: named}); err != nil {
		return err
	}
	existing, err := q.PlatformPostListByPost(ctx, postID)
	if err != nil {
		return err
	}
	there := map[uuid.UUID]queries.PlatformPostListByPostRow{}
	for _, pp := range existing {
		if !slices.Contains(named, pp.IntegrationID) {
			return conflict("An account to which publishing was already tried cannot be taken off the post.")
		}
		there[pp.IntegrationID] = pp
	}
	var added []postAccount
	for _, account := range accounts {
		pp, stays := there[account.integrationID]
		if !stays {
			added = append(added, account)
			continue
		}
		if err := setContent(ctx, q, postID, pp, account); err != nil {
			return err
		}
	}
	return createPlatformPosts(ctx, q, postID, added)
}

// rewriteScheduled changes what a scheduled post says on its accounts. Nobody looks at it again where no approval is asked for, so
// what breaks its platforms' rules is refused here and not at its time.
func rewriteScheduled(ctx context.Context, q *queries.Queries, postID uuid.UUID, named []uuid.UUID, accounts []postAccount) error {
	existing, err := q.PlatformPostListByPost(ctx, postID)
	if err != nil {
		return err
	}
	there := map[uuid.UUID]queries.PlatformPostListByPostRow{}
	for _, pp := range existing {
		there[pp.IntegrationID] = pp
	}
	if len(named) != len(existing) || slices.ContainsFunc(existing, func(pp queries.PlatformPostListByPostRow) bool { return !slices.Contains(named, pp.IntegrationID) }) {
		return conflict("To which accounts a post goes that is scheduled cannot be changed. Cancel it first.")
	}
	for _, account := range accounts {
		if err := setContent(ctx, q, postID, there[account.integrationID], account); err != nil {
			return err
		}
	}
	after, err := q.PlatformPostListByPost(ctx, postID)
	if err != nil {
		return err
	}
	return keepsRules(after)
}

// setContent makes a platform post say what is given.
func setContent(ctx context.Context, q *queries.Queries, postID uuid.UUID, pp queries.PlatformPostListByPostRow, account postAccount) error {
	if _, err := q.PlatformPostSetContent(ctx, queries.PlatformPostSetContentParams{
		PostID: postID, IntegrationID: account.integrationID, Text: account.text, Options: account.options, OwnMedia: account.mediaIDs != nil,
	}); err != nil {
		return err
	}
	var has, wanted []uuid.UUID
	if pp.OwnMedia {
		content, _, err := jobs.Content(pp.ID, pp.Title, pp.Text, pp.Options, pp.Files)
		if err != nil {
			return err
		}
		for _, file := range content.Media {
			has = append(has, file.ID)
		}
	}
	if account.mediaIDs != nil {
		wanted = *account.mediaIDs
	}
	if slices.Equal(has, wanted) {
		return nil
	}
	if err := q.PlatformPostMediaDelete(ctx, pp.ID); err != nil {
		return err
	}
	return q.PlatformPostMediaCreate(ctx, queries.PlatformPostMediaCreateParams{PlatformPostID: pp.ID, MediaIds: wanted})
}

// lockPost locks a post for a change, if it is there, the caller may change it, and it is the version that
// the caller has seen.
func lockPost(ctx context.Context, q *queries.Queries, id uuid.UUID, condition Condition) (queries.PostLockRow, error) {
	post, err := q.PostLock(ctx, id)
	switch {
	case err == nil:
		return post, condition.check(post.Version)
	case !errors.Is(err, pgx.ErrNoRows):
		return post, err
	}
	// The policy for changes also decides which rows can be locked: one that can only be read is not found there.
	if _, err := q.PostGet(ctx, id); err != nil {
		return post, noRows(err, "post")
	}
	return post, forbidden()
}

// maxPostBytes is how large a post may be with all its platforms' texts, in bytes of the answer that shows it.
// Lists hold up to a hundred of them.
const maxPostBytes = 512 << 10

// answerPost runs a change and answers the post as it is then.
func (a *API) answerPost(ctx context.Context, in PostPath, apply func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error) (*postOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*postOutput, error) {
		if err := apply(ctx, tx, q); err != nil {
			return nil, err
		}
		row, err := q.PostGet(ctx, in.PostID)
		if err != nil {
			return nil, err
		}
		if len(row.Text)+len(row.PlatformPosts) > maxPostBytes {
			return nil, invalid("body", "holds too much text in all: the post and the texts of its platforms together are limited to half a megabyte")
		}
		return postAnswer(row)
	})
}

func postAnswer(row queries.PostGetRow) (*postOutput, error) {
	post, err := postFrom(row)
	return &postOutput{ETag: etag(row.Version), Body: post}, err
}

func postFrom(row queries.PostGetRow) (Post, error) {
	post := Post{
		ID: row.ID, CampaignID: row.CampaignID, Title: row.Title, Text: row.Text, State: row.State,
		ScheduledAt: utc(row.ScheduledAt), CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
		ApprovedAt: utc(row.ApprovedAt), ApprovedBy: row.ApprovedBy,
		ScheduledLocal: localTime(row.ScheduledAt, row.TimeZone), TimeZone: row.TimeZone, SlotAt: utc(row.SlotAt),
		RecurringPostID: row.RecurrenceID, OccurrenceAt: utc(row.OccurrenceAt), SpaceID: row.SpaceID,
	}
	if err := json.Unmarshal(row.MediaIds, &post.MediaIDs); err != nil {
		return Post{}, fmt.Errorf("decode the post's files: %w", err)
	}
	if err := json.Unmarshal(row.PlatformPosts, &post.PlatformPosts); err != nil {
		return Post{}, fmt.Errorf("decode platform posts: %w", err)
	}
	for i := range post.PlatformPosts {
		pp := &post.PlatformPosts[i]
		pp.PublishedAt, pp.RetryAt, pp.ProblemSince = utc(pp.PublishedAt), utc(pp.RetryAt), utc(pp.ProblemSince)
	}
	return post, nil
}

// spoken is a state in words.
func spoken(state string) string {
	switch state {
	case "pending_approval":
		return "waiting for approval"
	case "publishing":
		return "being published"
	case "partially_published":
		return "partly published"
	case "needs_attention":
		return "waiting for a decision"
	default:
		return state
	}
}
