// Package glass puts a picture of any size into a rectangle of any size: where
// it goes (Fit), which source pixel a point means (Fit.Source), the scaling of
// what changed (Scaler), and on X11 a native child window that shows it without
// the toolkit in between (Child). Package ui calls it. It knows nothing of
// calls, rights or widgets.
package glass
