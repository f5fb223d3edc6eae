// The words of a recorded log, in the order of the numbers by which the core calls them. A test of the core compares them.

const words = (text) => text.split(' ');

export const PHASES = words('idle connecting establishing restoring online waiting parked stopped failed');
export const MODES = words('fresh resume');
export const DISPOSITIONS = words('applied stale inapplicable full');
export const REASONS = words(
  'backoff hint invalid_session class min_interval breaker requested spread connect_timeout greeting_timeout ready_timeout ' +
    'auth_timeout beat stable restore confirm endpoint not_now answer max_age handover drain session_expiry credential_lead ' +
    'credential_timeout hold network hidden credential appointment window',
);
/** What brought a policy into its phase; the words of `gate`, `lost` and `gave_up` are in what they carry. */
export const TRIGGERS = words(
  'new start retry_now stop gate lost not_now woke network_changed visible redial max_age requested session_expired opened ' +
    'ready resumed auth_ok restored gave_up',
);
export const DROPS = words('gone invalid resume_failed incomplete expired stop fatal');
export const ENDS = words('fatal repeated auth max_attempts max_elapsed table_spent');
/** The events that the core is told here, from 1 on; 0 is the time alone. */
export const EVENTS = words(
  'timeout start stop retry_now hold release net_down net_up hidden visible woke network_changed redial opened open_failed ' +
    'closed send_failed ready resumed seq please_reconnect session_invalid beat_ack beat_requested rx credential_ok ' +
    'credential_failed',
);
export const ACTIONS = words(
  'open promote close send_fresh send_resume beat refresh_credential authenticate restore drop_session gave_up',
);
export const CLASSES = words('transient fresh fatal auth rate_limited replaced');
/** What can end a connection: kinds with a number, kinds with a kind of their own, and plain ones. */
export const CAUSES = words(
  'close http io tls class unknown no_close_frame timeout connect_timeout greeting_timeout ready_timeout auth_timeout ' +
    'missed_beat send_failed reconnect_requested session_invalid session_invalid_resumable bad_greeting network_down slept ' +
    'auth_rejected auth_denied restore_failed',
);
