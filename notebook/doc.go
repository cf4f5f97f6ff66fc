// Package notebook turns a Jupyter notebook into a Python script.
//
// Start with [Read], which takes the bytes of an .ipynb file of any format
// from v1 to v4.5. [Notebook.Python] renders what nbconvert's python exporter
// renders, byte for byte. [Notebook.Glue] renders a clean script for AWS Glue:
// the notebook's magics come back as settings of the job, and [Locate] leads
// from a line of the script to its cell.
//
// The package is pure: bytes in, values out. Text is held as Python holds it,
// so a lone surrogate, which JSON can name and UTF-8 cannot, survives in a
// string as its three-byte form until it has to be written.
package notebook
