"use strict";
// The server renders; this only puts its latest word in place.
const live = document.getElementById("live");
const link = document.getElementById("link");
const events = new EventSource("events");
events.onmessage = (e) => { live.innerHTML = e.data; };
events.onopen = () => { link.textContent = ""; };
events.onerror = () => { link.textContent = "– no connection, trying again"; };
