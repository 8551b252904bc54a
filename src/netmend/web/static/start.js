// Loads the page. A browser on the node's own host drops what is under way when devices come or go there
// (ERR_NETWORK_CHANGED), and a module that is missing is not asked for again: so the page is.
const SOON = 700; // ms

import("/page/main.js").catch(() => setTimeout(() => location.reload(), SOON));
