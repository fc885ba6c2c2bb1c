// What a page looks like: sizes in CSS pixels, contrasts by WCAG 2.2.
() => {
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = (a, b) => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => p - q); return (y + 0.05) / (x + 0.05); };
  const parse = text => (text.match(/[\d.]+/g) || []).map(Number);
  const solid = text => { const c = parse(text); return text.startsWith("rgb") && (c.length < 4 || c[3] > 0.99) ? c.slice(0, 3) : null; };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) { const c = solid(getComputedStyle(at).backgroundColor); if (c) return c; }
    return [255, 255, 255];
  };
  const seen = element => element.checkVisibility() && element.getBoundingClientRect().height > 0;
  const found = { small: [], pale: [], lines: [], canvases: [], columns: [], limbs: [] };
  found.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, text = walker.currentNode.textContent.trim();
    if (!text || element.closest("script, style, title, noscript, option, details:not([open])") || !seen(element)) continue;
    const style = getComputedStyle(element), svg = element instanceof SVGElement;
    const size = parseFloat(style.fontSize) * (svg ? Math.hypot(element.getScreenCTM().a, element.getScreenCTM().b) : 1);
    if (size < 10.95) found.small.push([text.slice(0, 30), size]);
    const ink = solid(svg ? style.fill : style.color);
    if (ink && !element.closest(".key span") && contrast(ink, behind(element)) < 4.5) found.pale.push([text.slice(0, 30), contrast(ink, behind(element))]);
  }
  for (const path of document.querySelectorAll("svg path, svg use, .key span")) {
    const style = getComputedStyle(path), ink = solid(path.matches(".key span") ? style.color : style.stroke);
    if (!ink || style.strokeOpacity < 1 || style.opacity < 1 || path.closest("defs, clipPath") || !seen(path.closest("svg") || path)) continue;
    if (path.closest("[id^=patch]")) continue; // edges of bars and frames tell nothing
    const value = contrast(ink, behind(path.closest("div, li")));
    if (value < 3) found.lines.push([ink, value]);
  }
  for (const canvas of document.querySelectorAll("canvas")) {
    if (!seen(canvas)) continue;
    const ratio = devicePixelRatio;
    found.canvases.push([canvas.width - canvas.clientWidth * ratio, canvas.height - canvas.clientHeight * ratio]);
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), counts = new Map();
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] === 255) {
      const key = `${data[i]},${data[i + 1]},${data[i + 2]}`;
      counts.set(key, (counts.get(key) || 0) + 1);
    }
    const enough = canvas.width * canvas.height / 2000;
    for (const [key, count] of counts) if (count > enough) found.limbs.push(contrast(key.split(",").map(Number), behind(canvas)));
  }
  for (const table of document.querySelectorAll(".scroll table")) {
    const box = table.parentElement, heads = [...table.querySelectorAll("th, td")].filter(seen);
    box.scrollLeft = box.scrollWidth;
    const right = Math.max(...heads.map(head => head.getBoundingClientRect().right));
    found.columns.push(right - Math.min(box.getBoundingClientRect().right, document.documentElement.clientWidth));
    box.scrollLeft = 0;
    found.columns.push(box.getBoundingClientRect().left - Math.min(...heads.map(head => head.getBoundingClientRect().left)));
  }
  return found;
}
