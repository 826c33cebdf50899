/* security.c: fields that make browsers careful, as defaults: they count where a handler, or a response's own lines, have
 * no such field, and a policy for content only where there is HTML. */
#include "exchange/exchange.h"
#include "handler/middleware.h"

struct security_field {
    const char *name, *value; /* value "": none */
    enum field_default how;
};

enum { SECURITY_FIELDS = 7 };

struct security {
    struct security_field fields[SECURITY_FIELDS];
};

static const struct security by_default = {{
    {"Content-Security-Policy", "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'",
     FIELD_DEFAULT_OF_HTML},
    {"X-Content-Type-Options", "nosniff", FIELD_DEFAULT},
    {"Referrer-Policy", "strict-origin-when-cross-origin", FIELD_DEFAULT},
    {"Cross-Origin-Opener-Policy", "same-origin", FIELD_DEFAULT},
    {"Cross-Origin-Resource-Policy", "", FIELD_DEFAULT},
    {"Permissions-Policy", "", FIELD_DEFAULT},
    {"Strict-Transport-Security", "", FIELD_DEFAULT},
}};

void leat_security(leat_exchange *x)
{
    const struct security *security = leat_data(x) != NULL ? leat_data(x) : &by_default;
    for (size_t i = 0; i < SECURITY_FIELDS; i++) {
        const struct security_field *field = &security->fields[i];
        if (field->value[0] != '\0')
            leat__field_default(x, field->name, field->value, field->how);
    }
    leat_next(x);
}

void *leat_security_create_sized(leat_app *app, const leat_security_options *given, size_t given_size)
{
    leat_security_options options;
    options_take(&options, sizeof options, given, given_size);
    const char *const values[SECURITY_FIELDS] = {
        options.content_security_policy,
        options.content_type_options,
        options.referrer_policy,
        options.cross_origin_opener_policy,
        options.cross_origin_resource_policy,
        options.permissions_policy,
        options.strict_transport_security,
    };
    struct security *security = leat__middleware_alloc(app, sizeof *security);
    *security = by_default;
    for (size_t i = 0; i < SECURITY_FIELDS; i++)
        if (values[i] != NULL && leat__middleware_is_value(app, "leat_security", values[i]))
            security->fields[i].value = leat__middleware_copy(app, values[i]);
    return security;
}
