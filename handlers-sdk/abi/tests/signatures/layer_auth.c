/* Who may call: keys come over "faas.http", and the hook is pending meanwhile. It must not be skipped. */
#include "common.h"
#include <faas_http.h>

static void keys_are_there(void *arg, faas_status status, const faas_http_reply *reply) {
    faas_tok *tok = (faas_tok *)arg;
    if (reply && reply->body.release) reply->body.release(reply->body.owner);
    host->done(tok, status == FAAS_OK && reply && reply->status == 200 ? FAAS_OK : FAAS_E_USER);
}

static faas_status before(void *self, uint32_t phase, faas_inv *inv, faas_tok *tok) {
    (void)self, (void)phase;
    faas_bytes token;
    if (host->get(inv, FAAS_LIST_HEADER, text("authorization"), &token) != FAAS_OK) {
        host->set(inv, FAAS_LIST_REPLY_HEADER, text("www-authenticate"), text("Bearer"));
        faas_status status = host->reply(inv, 401, lent(text("")));
        return status == FAAS_OK ? FAAS_END : status;
    }
    const faas_http *http = (const faas_http *)host->service(host->ctx, text(FAAS_HTTP), FAAS_HTTP_MAJOR);
    if (!http) return failed(inv, "Auth.NoKeys", "nobody offers faas.http");
    host->add(inv, FAAS_LIST_EXTENSION, text("auth.sub"), text("ada"));
    faas_http_request request;
    memset(&request, 0, sizeof request);
    request.size = sizeof request;
    request.url = text("https://idp.example/jwks.json");
    request.deadline_ns = host->num(inv, FAAS_NUM_DEADLINE_NS);
    http->send(http->provider, &request, keys_are_there, tok);
    return FAAS_PENDING; /* the completion may have come already */
}

static void cancel(void *self, faas_inv *inv, uint32_t reason) { (void)self, (void)inv, (void)reason; }

faas_layer signature(void) {
    faas_layer made = a_layer("auth");
    made.flags = FAAS_IS_REQUIRED;
    made.before_phases = FAAS_PHASE_BIT(FAAS_INVOKE);
    made.before = before;
    made.cancel = cancel;
    return made;
}
