/* problem.c: errors, as the client is told them: problem details (RFC 9457), the answers that need no memory, and what the
 * program's hooks make of either.
 *
 * An error is made like every other response, by whoever comes upon it; the last one made counts. When it is about to be
 * written (leat__response_send) the hooks are called, each of which may answer anew, and what still is a problem then
 * becomes a page if a person's browser asked for it (error_page.c). So all errors have one way out, wherever they come
 * from, and none is told twice. */
#include "exchange/exchange.h"
#include "base/json_text.h"
#include <errno.h>
#include <stdio.h>

#define TYPE_PROBLEM "Content-Type: application/problem+json\r\nVary: Accept\r\n"
#define RETRY_AFTER "Retry-After: 1\r\n"

/* The answer when the chain's own can't be given. Needs no memory. */
static void answer_in_need(struct leat_exchange *x, int status, const char *fields, const char *content)
{
    response_forget(x);
    x->response.fields = NULL;
    x->response.fields_size = 0;
    leat__response_make(x, status, fields, strlen(fields), content, strlen(content));
    x->response.is_problem = true;
}

/* status 0: nobody has answered, which is a 500 that says so. */
void leat__response_in_need(struct leat_exchange *x, int status)
{
    if (status == 0)
        answer_in_need(
            x, 500, TYPE_PROBLEM,
            "{\"title\":\"Internal Server Error\",\"status\":500,\"detail\":\"The handler has not "
            "answered\"}\n");
    else if (status == 503)
        answer_in_need(x, 503, TYPE_PROBLEM RETRY_AFTER,
                       "{\"title\":\"Service Unavailable\",\"status\":503}\n");
    else
        answer_in_need(x, 500, TYPE_PROBLEM, "{\"title\":\"Internal Server Error\",\"status\":500}\n");
}

void leat_problem(leat_exchange *x, int status, const char *detail)
{
    response_forget(x);
    if (exchange_lacks_stack(x, TASK_STACK_LEFT))
        return;
    if (status == 503 && !leat__response_has_field(x, "Retry-After"))
        leat_field_set(x, "Retry-After", "1");
    const char *title = leat__http_reason((unsigned)status);
    const char *detail_end = detail ? detail + strlen(detail) : NULL;
    size_t escaped_max = detail ? (size_t)(detail_end - detail) * JSON_UNIT_MAX : 0;
    size_t room = align_up(strlen(title) + escaped_max + 64, 16);
    char *json = arena_alloc(&x->arena, room);
    if (json == NULL) {
        if (status == 503)
            leat__response_in_need(x, 503);
        else
            leat__response_make(x, status, NULL, 0, NULL, 0);
        return;
    }
    size_t size = (size_t)snprintf(json, room, "{\"title\":\"%s\",\"status\":%d", title, status);
    if (detail != NULL) {
        memcpy(json + size, ",\"detail\":\"", 11);
        size += 11;
        size += leat__json_escape(json + size, escaped_max, &detail, detail_end);
        json[size++] = '"';
    }
    memcpy(json + size, "}\n", 2);
    size += 2;
    if (x->arena.at == json + room)
        x->arena.at = json + align_up(size, 16);
    leat__response_make(x, status, TYPE_PROBLEM, sizeof TYPE_PROBLEM - 1, json, size);
    x->response.is_problem = status >= 400;
}

void leat_problem_or(leat_exchange *x, int status, int otherwise, const char *text)
{
    if (status >= 400)
        leat_problem(x, status, NULL);
    else
        leat_text(x, otherwise, "%s", text ? text : "");
}

/* ── Failures ── */

int leat__error_status(int error)
{
    switch (error < 0 ? -error : error) {
    case EINVAL:
        return 400;
    case EACCES:
    case EPERM:
        return 403;
    case ENOENT:
        return 404;
    case EEXIST:
        return 409;
    case EMSGSIZE:
        return 413;
    case EAGAIN:
    case EBUSY:
    case ENOMEM:
    case ECANCELED:
        return 503;
    case ETIMEDOUT:
        return 504;
    default:
        return 500;
    }
}

enum { ERRNO_END = 4096 };

void leat_fail(leat_exchange *x, int error)
{
    if (error > -ERRNO_END && error < ERRNO_END)
        x->way.failure = (int16_t)(error < 0 ? -error : error);
    leat_problem(x, leat__error_status(error), NULL);
}

/* ── The hooks ── */

/* A refusal may come before there is a route: then a hook finds what a request without one has. */
static void stand_somewhere(struct leat_exchange *x)
{
    static const struct chain_link nowhere = {0};
    if (x->link != NULL)
        return;
    x->link = &nowhere;
    x->chain = &x->common->routes->all[0];
    x->match.param_count = 0;
    if (x->bytes == NULL)
        x->bytes = "";
}

/* A text that a hook has begun ends with it, as it ends with a handler. What it had no memory for nobody asks any more. */
static void end_json(struct leat_exchange *x)
{
    if (x->response.json == NULL)
        return;
    bool in_need = leat_json_error(x->response.json) == -ENOMEM;
    leat__json_finish(x);
    if (in_need)
        leat__response_in_need(x, 503);
}

/* Ours, and not told already by who was refused something. */
static bool is_failure(unsigned status)
{
    return status >= 500 && status != 501 && status != 503 && status != 505;
}

void leat__response_tell_error(struct leat_exchange *x)
{
    const struct app_hooks *hooks = x->common->routes->hooks;
    struct response *r = &x->response;
    if (UNLIKELY(is_failure(r->status)))
        leat__exchange_tell_failure(x);
    if (hooks != NULL && hooks->error_count > 0) {
        stand_somewhere(x);
        for (uint32_t i = 0; i < hooks->error_count; i++) {
            hooks->on_error[i].function(x, r->status, hooks->on_error[i].argument);
            end_json(x);
        }
        if (r->status == 0)
            leat__response_in_need(x, 500);
    }
    if (r->is_problem)
        leat__error_page(x);
}
