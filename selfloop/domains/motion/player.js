// Plays stick figures: world z up, metres; one camera and one clock for all cells of a player.
"use strict";
(() => {
  const ABSENT = -32768;
  const DISTANCE = 9; // of the camera, m
  const BESIDE = 0.52; // raw and corrected each stand this far from the middle, m
  const TRAIL = 1; // s of floor contact that stay visible
  const TOUCH = 0.02; // a sole this near to the floor touches it, m
  const SUNK = -0.015; // one this far under it is shown as sunk, m

  function decode(packed) {
    if (!packed) return null;
    const bytes = Uint8Array.from(atob(packed.mm), c => c.charCodeAt(0));
    const millimetres = new Int16Array(bytes.buffer);
    const metres = Float32Array.from(millimetres, v => (v === ABSENT ? NaN : v / 1000));
    return { metres, points: packed.points, frames: metres.length / packed.points / 3 };
  }

  // Point p at time f (in frames), between two frames on the straight line.
  function at(motion, f, p) {
    const last = motion.frames - 1;
    const a = Math.min(Math.floor(f), last), b = Math.min(a + 1, last), w = Math.min(f, last) - a;
    const i = (a * motion.points + p) * 3, j = (b * motion.points + p) * 3, m = motion.metres;
    return [0, 1, 2].map(k => m[i + k] + w * (m[j + k] - m[i + k]));
  }

  // Where the camera looks: the pelvis' path over the floor, averaged over a second so that it does not shake.
  function centre(motion, f, fps) {
    let x = 0, y = 0, n = 0;
    for (let k = -fps / 2; k <= fps / 2; k++) {
      const p = at(motion, Math.max(f + k, 0), 0);
      if (Number.isFinite(p[0] + p[1])) { x += p[0]; y += p[1]; n++; }
    }
    return n ? [x / n, y / n] : [0, 0];
  }

  function mix(one, other, share) {
    const part = (hex, k) => parseInt(hex.slice(1 + 2 * k, 3 + 2 * k), 16);
    return `rgb(${[0, 1, 2].map(k => Math.round(part(one, k) * (1 - share) + part(other, k) * share))})`;
  }

  function element(parent, tag, properties = {}) {
    return parent.appendChild(Object.assign(document.createElement(tag), properties));
  }

  function projection(view, look, width, height) {
    const [sa, ca, se, ce] = [Math.sin(view.turn), Math.cos(view.turn), Math.sin(view.tilt), Math.cos(view.tilt)];
    const size = Math.min(height / 2.25, width / 2.3) * view.zoom;
    return ([x, y, z], shift = 0) => {
      const dx = x - look[0] - sa * shift, dy = y - look[1] + ca * shift, dz = z - 0.86;
      const depth = Math.max(1, DISTANCE - (ce * (ca * dx + sa * dy) + se * dz)); // what flew behind the camera stays drawable
      const scale = size * DISTANCE / depth;
      const up = -se * (ca * dx + sa * dy) + ce * dz;
      return [width / 2 + (ca * dy - sa * dx) * scale, height / 2 - up * scale, depth, scale];
    };
  }

  function floor(pen, project, look, colour) {
    const step = 0.5, reach = 3, [cx, cy] = look.map(v => Math.round(v / step) * step);
    const middle = project([look[0], look[1], 0]);
    const fade = pen.createRadialGradient(middle[0], middle[1], 0, middle[0], middle[1], 2.1 * middle[3]);
    fade.addColorStop(0, colour + "60");
    fade.addColorStop(1, colour + "00");
    pen.beginPath();
    for (let k = -reach; k <= reach; k += step) {
      for (const [a, b] of [[[cx + k, cy - reach, 0], [cx + k, cy + reach, 0]], [[cx - reach, cy + k, 0], [cx + reach, cy + k, 0]]]) {
        pen.moveTo(...project(a).slice(0, 2));
        pen.lineTo(...project(b).slice(0, 2));
      }
    }
    Object.assign(pen, { strokeStyle: fade, lineWidth: 1 });
    pen.stroke();
  }

  // A figure's bones, each with its depth; its shadow and the marks of its feet are drawn at once.
  function figure(pen, data, project, look, motion, f, shift, colour, theme) {
    const place = Array.from({ length: motion.points }, (_, p) => at(motion, f, p));
    const bones = [], shadow = new Path2D();
    for (const [a, b, side] of data.edges) {
      if (b >= motion.points || !Number.isFinite([...place[a], ...place[b]].reduce((s, v) => s + v))) continue;
      const head = data.joints === b, trunk = side === "" && !head;
      const [p, q] = [project(place[a], shift), project(place[b], shift)];
      bones.push({ p, q, head, depth: (p[2] + q[2]) / 2, width: trunk ? 0.085 : 0.055, colour: side === "left" ? mix(colour, theme.ink, 0.45) : colour });
      const [r, s] = [place[a], place[b]].map(v => project([v[0], v[1], 0], shift));
      shadow.moveTo(r[0], r[1]); shadow.lineTo(s[0], s[1]);
    }
    Object.assign(pen, { lineCap: "round", lineJoin: "round", strokeStyle: theme.shadow, lineWidth: 0.1 * project([...look, 0])[3] });
    pen.stroke(shadow); // in one stroke, so that it is nowhere darker than elsewhere
    if (theme.trails) feet(pen, data, project, motion, f, shift, colour, theme);
    return bones;
  }

  function feet(pen, data, project, motion, f, shift, colour, theme) {
    for (const [toe, tip] of data.feet) {
      const sole = k => Math.min(at(motion, k, toe)[2], tip < motion.points ? at(motion, k, tip)[2] : Infinity) - data.sole;
      const mark = k => { const [x, y] = at(motion, k, toe); return project([x, y, 0], shift); };
      pen.strokeStyle = colour;
      for (let k = Math.max(0, Math.ceil(f - TRAIL * data.fps)); k + 1 <= Math.min(f, motion.frames - 1); k++) {
        if (sole(k) > TOUCH || sole(k + 1) > TOUCH) continue;
        const [p, q] = [mark(k), mark(k + 1)];
        pen.lineWidth = 0.025 * p[3];
        pen.beginPath(); pen.moveTo(p[0], p[1]); pen.lineTo(q[0], q[1]); pen.stroke();
      }
      const height = sole(f);
      if (!(height <= TOUCH)) continue;
      const [x, y, , scale] = mark(f);
      pen.fillStyle = height < SUNK ? theme.bad : colour;
      pen.beginPath(); pen.ellipse(x, y, 0.06 * scale, 0.03 * scale, 0, 0, 7); pen.fill();
    }
  }

  function stroke(pen, bone) {
    const { p, q } = bone;
    Object.assign(pen, { strokeStyle: bone.colour, fillStyle: bone.colour, lineWidth: bone.width * p[3] });
    pen.beginPath();
    if (bone.head) {
      pen.ellipse(p[0] + 0.62 * (q[0] - p[0]), p[1] + 0.62 * (q[1] - p[1]), 0.1 * p[3], 0.1 * p[3], 0, 0, 7);
      pen.fill();
      pen.lineWidth = 0.055 * p[3];
      pen.beginPath();
      pen.moveTo(p[0], p[1]); pen.lineTo((p[0] + q[0]) / 2, (p[1] + q[1]) / 2);
    } else {
      pen.moveTo(p[0], p[1]); pen.lineTo(q[0], q[1]);
    }
    pen.stroke();
  }

  function draw(cell, data, state) {
    const { canvas, clip } = cell, ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size; // either may change alone
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!clip || !width) return;
    const look = centre(clip.corrected || clip.raw, state.frame, data.fps);
    const project = projection(state, look, width, height);
    const both = clip.corrected && state.raw && state.corrected && state.beside;
    const theme = { ...state.theme, trails: state.trails };
    floor(pen, project, look, theme.ink);
    const bones = [];
    if (state.raw || !clip.corrected) bones.push(...figure(pen, data, project, look, clip.raw, state.frame, both ? -BESIDE : 0, theme.raw, theme));
    if (state.corrected && clip.corrected) bones.push(...figure(pen, data, project, look, clip.corrected, state.frame, both ? BESIDE : 0, cell.colour, theme));
    bones.sort((a, b) => b.depth - a.depth).forEach(bone => stroke(pen, bone));
  }

  function controls(root, data, state, changed) {
    const bar = element(root, "div", { className: "bar" });
    const play = element(bar, "button", { type: "button", onclick: () => changed({ playing: !state.playing }) });
    const time = element(bar, "label", { className: "time" });
    const scrub = element(time, "input", { type: "range", min: 0, step: "any", ariaLabel: "time" });
    scrub.oninput = () => changed({ playing: false, frame: Number(scrub.value) });
    const clock = element(time, "output");
    const choose = (text, values, value, key) => {
      const label = element(bar, "label", { textContent: text + " " });
      const select = element(label, "select", { onchange: () => changed({ [key]: Number(select.value) }) });
      for (const group of new Set(values.map(v => v.group))) {
        const into = group ? element(select, "optgroup", { label: group }) : select;
        values.filter(v => v.group === group).forEach(v => element(into, "option", { value: v.value, textContent: v.text }));
      }
      select.value = value;
      return select;
    };
    const labels = new Map();
    data.clips.forEach(clip => labels.has(clip.sample) || labels.set(clip.sample, clip.label));
    const samples = [...labels].map(([value, group]) => ({ value, group, text: `${group} · sample ${value}` }));
    const sample = choose("motion", samples, state.sample, "sample");
    choose("speed", [0.25, 0.5, 1, 2].map(v => ({ value: v, text: `${v}×` })), 1, "speed");
    const toggles = { raw: "as generated (grey)", corrected: "corrected (colour)", beside: "side by side", trails: "foot contact" };
    for (const [key, text] of Object.entries(toggles)) {
      const label = element(bar, "label");
      const box = element(label, "input", { type: "checkbox", checked: state[key], onchange: () => changed({ [key]: box.checked }) });
      label.append(text);
    }
    return () => {
      play.textContent = state.playing ? "Pause" : "Play";
      [scrub.max, scrub.value, sample.value] = [state.frames - 1, state.frame, state.sample];
      clock.textContent = `${(Math.min(state.frame, state.frames - 1) / data.fps).toFixed(2)} of ${((state.frames - 1) / data.fps).toFixed(2)} s`;
    };
  }

  function grid(root, data) {
    const box = element(root, "div", { className: "cells", tabIndex: 0 });
    box.style.setProperty("--columns", data.generations.length);
    return data.arms.flatMap(arm => {
      element(box, "h3", { textContent: arm.name.replaceAll("_", " ") }).style.setProperty("--arm", arm.colour);
      const shown = data.generations.filter(generation => data.clips.some(clip => clip.arm === arm.name && clip.generation === generation));
      return shown.map(generation => {
        const frame = element(box, "figure", { className: "cell" });
        const canvas = element(frame, "canvas", { role: "img", ariaLabel: arm.name === data.real ? "real motion" : `${arm.name}, generation ${generation}` });
        return { arm: arm.name, colour: arm.colour, generation, canvas, caption: element(frame, "figcaption") };
      });
    });
  }

  function fill(cell, data, sample) {
    cell.clip = data.clips.find(c => c.arm === cell.arm && c.generation === cell.generation && c.sample === sample);
    cell.caption.replaceChildren();
    element(cell.caption, "b", { textContent: cell.arm === data.real ? "real motion" : `generation ${cell.generation}` });
    element(cell.caption, "span", { textContent: cell.clip ? cell.clip.label : "no such sample" });
    if (cell.clip?.failed) element(cell.caption, "span", { className: "failed", textContent: "failed, not trained on" });
  }

  function start(root) {
    const data = JSON.parse(root.querySelector("script").textContent);
    if (!data.clips.length) return;
    data.clips.forEach(clip => Object.assign(clip, { raw: decode(clip.raw), corrected: decode(clip.corrected) }));
    const samples = [...new Set(data.clips.map(clip => clip.sample))];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const state = { playing: !still, frame: 0, speed: 1, sample: samples[0], raw: true, corrected: true, beside: true, trails: true, turn: -1.05, tilt: 0.2, zoom: 1 };
    let visible = true, before = 0, dirty = true;
    const changed = change => {
      Object.assign(state, change);
      if ("sample" in change) choose();
      dirty = true;
    };
    const show = controls(root, data, state, changed);
    const cells = grid(root, data);
    element(root, "p", { className: "help", textContent: "Drag to turn, double-click to reset the view. Keys: space plays, ← → step, n and p change the motion, + and − zoom. Shaded limbs are the left ones; marks on the floor show where toes touch it, red where they are under it." });

    function choose() {
      cells.forEach(cell => fill(cell, data, state.sample));
      state.frames = Math.max(1, ...cells.flatMap(({ clip }) => (clip ? [clip.raw.frames, clip.corrected?.frames ?? 0] : [])));
      state.frame = Math.min(state.frame, state.frames - 1);
    }
    function colours() {
      const style = getComputedStyle(root);
      state.theme = Object.fromEntries(["ink", "card", "raw", "bad", "shadow"].map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
      dirty = true;
    }
    function tick(now) {
      if (state.playing && visible) {
        state.frame = (state.frame + Math.min(now - before, 100) / 1000 * data.fps * state.speed) % state.frames;
        dirty = true;
      }
      before = now;
      if (dirty && visible) { dirty = false; show(); cells.forEach(cell => draw(cell, data, state)); }
      requestAnimationFrame(tick);
    }
    for (const { canvas } of cells) {
      let held = null;
      canvas.onpointerdown = event => { canvas.setPointerCapture(event.pointerId); held = [event.clientX, event.clientY]; };
      canvas.onpointerup = canvas.onpointercancel = () => { held = null; };
      canvas.onpointermove = event => {
        if (!held) return;
        const [x, y] = [event.clientX - held[0], event.clientY - held[1]];
        held = [event.clientX, event.clientY];
        changed({ turn: state.turn - x / 120, tilt: Math.min(1.5, Math.max(-0.1, state.tilt + y / 160)) });
      };
      canvas.ondblclick = () => changed({ turn: -1.05, tilt: 0.2, zoom: 1 });
    }
    root.onkeydown = event => {
      if (event.target.closest("input, select, button") || event.ctrlKey || event.metaKey || event.altKey) return;
      const turn = by => samples[(samples.indexOf(state.sample) + by + samples.length) % samples.length];
      const step = by => ({ playing: false, frame: (Math.round(state.frame) + by + state.frames) % state.frames });
      const keys = { " ": () => ({ playing: !state.playing }), ArrowLeft: () => step(-1), ArrowRight: () => step(1), n: () => ({ sample: turn(1) }), p: () => ({ sample: turn(-1) }), "+": () => ({ zoom: state.zoom * 1.15 }), "-": () => ({ zoom: state.zoom / 1.15 }) };
      if (keys[event.key]) { changed(keys[event.key]()); event.preventDefault(); }
    };
    new IntersectionObserver(entries => { visible = entries.at(-1).isIntersecting; }).observe(root);
    new ResizeObserver(() => { dirty = true; }).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", colours);
    choose();
    colours();
    requestAnimationFrame(tick);
  }

  document.querySelectorAll(".selfloop-player:not([data-on])").forEach(root => { root.dataset.on = ""; start(root); });
})();
