// SkillClaw's extension for pi. It names the session in each request, where pi itself does not, so that what the
// proxy sees and what pi keeps become one session. Remove it with: skillclaw disconnect pi
export default function (pi) {
  const { SKILLCLAW_PI_PROVIDER: provider, SKILLCLAW_PI_URL: baseUrl, SKILLCLAW_PI_TOKEN: token } = process.env;
  if (provider && baseUrl) {
    // Started by `skillclaw run`: for this process only, requests go to the proxy.
    const name = "SKILLCLAW_PI_TOKEN"; // pi looks the value up
    pi.registerProvider(provider, token ? { baseUrl, apiKey: name, headers: { "x-api-key": name } } : { baseUrl });
  }
  pi.on("before_agent_start", (_event, ctx) => {
    if (baseUrl && ctx.model?.provider === provider && ctx.model.api === "openai-completions") {
      ctx.model.compat = { ...ctx.model.compat, sendSessionAffinityHeaders: true };
    }
  });
  pi.on("before_provider_request", (event, ctx) => {
    const session = ctx.sessionManager?.getSessionId?.();
    if (ctx.model?.api !== "anthropic-messages" || !session) return undefined;
    return { ...event.payload, metadata: { ...event.payload.metadata, user_id: JSON.stringify({ session_id: session }) } };
  });
}
