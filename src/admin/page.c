/* page.c: the live page. */
#include "admin/admin.h"

static void page(leat_exchange *x)
{
    leat_text(x, 200, "Leat\n");
}

void leat__admin_add_page(struct admin *admin, leat_app *group)
{
    leat_get_with(group, "/leat/", page, admin);
}
