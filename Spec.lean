/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scalar
public import Spec.Tensor
public import Spec.FinSum
public import Spec.RingScalar
public import Spec.Complex
public import Spec.Matrix
public import Spec.Runner
public import Spec.Sequence
public import Spec.Causal
public import Spec.Scan.Diagonal
public import Spec.Scan.Tree
public import Spec.Scan.LinearRecurrence
public import Spec.Scan.Ssd
public import Spec.Scan.SsdWrongAxis
public import Spec.Scan.LinearAttention
public import Spec.Scan.LinearAttentionForms
public import Spec.Scan.Rwkv6Forms
public import Spec.Scan.Rwkv6
public import Spec.Scan.Mlstm
public import Spec.Scan.MinGru
public import Spec.Scan.Delta
public import Spec.Scan.DeltaTriangular
public import Spec.Scan.DeltaChunked
public import Spec.Scan.DiagonalTree
public import Spec.Scan.Adjoint
public import Spec.Kernels.Groups
public import Spec.Kernels.SeqIdx
public import Spec.Kernels.Window
public import Spec.Kernels.RingBuffer
public import Spec.Kernels.SelectiveScan
public import Spec.Kernels.SelectiveScanParallel
public import Spec.Kernels.ComplexSelectiveScan
public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.CausalConv1dCache
public import Spec.Kernels.SsdScan
public import Spec.Kernels.SsdRecurrence
public import Spec.Scan.Sequential
public import Spec.Scan.Prefix
public import Spec.Scan.OddEven
public import Spec.Scan.HillisSteele
public import Spec.Scan.Blelloch
public import Spec.Scan.Chunked
public import Spec.Scan.Workers
public import Spec.Scan.Affine
public import Spec.Scan.DiagonalParallel
public import Spec.Scan.Convolution
public import Spec.Scan.Circular
public import Spec.Models.DiagonalS4
public import Spec.Scan.DiagonalS4
public import Spec.Models.ComplexDiagonal
public import Spec.Models.MambaBlock
public import Spec.Models.SelectiveMambaBlock
public import Spec.Models.MambaCheckpoint
public import Spec.Models.SelectiveMambaKernels
public import Spec.Models.MambaLanguageModel
public import Spec.Models.Mamba2Block
public import Spec.Causality.Streaming
public import Spec.Causality.DiagonalS4
public import Spec.Causality.CompactMamba
public import Spec.Causality.SelectiveMamba
public import Spec.Causality.Sharp
public import Spec.Causality.Kernels
public import Spec.Causality.ModelStreaming
public import Spec.Causality.SelectiveMambaCache
public import Spec.Causality.Families
public import Spec.Causality.Padding
public import Spec.Causality.Packing
public import Spec.Causality.CuSeqlens
public import Spec.Causality.KernelPadding
public import Spec.Causality.MambaLanguageModel
public import Spec.Causality.MambaLanguageModelStreaming
public import Spec.Rounding.Tree
public import Spec.Rounding.Sequential
public import Spec.Rounding.Leaves
public import Spec.Rounding.PrefixScan
public import Spec.Rounding.FloatingPoint
public import Spec.Rounding.Scan
public import Spec.Rounding.Gradient
public import Spec.Rounding.Sum
public import Spec.Certificate.Choices
public import Spec.Certificate.VecMul
public import Spec.Certificate.Cuts
public import Spec.Certificate.Ranks
public import Spec.Certificate.Random
public import Spec.Statements.Foundation
public import Spec.Statements.Scan
public import Spec.Statements.Causality
public import Spec.Statements.Rounding
public import Spec.Statements.Matrix
public import Spec.Certificate.SmallResidue
public import Spec.Certificate.Powers
public import Spec.Certificate.Coded
public import Spec.Certificate.CodedBounds
public import Spec.Certificate.CodedSweep
public import Spec.Certificate.Perturbation
public import Spec.Certificate.Jacobian
public import Spec.Certificate.Derivative
public import Spec.Statements.Certificate
public import Spec.Statements.Kernels
public import Spec.Statements.Ssd
public import Spec.Statements.LinearAttention
public import Spec.Statements.Families
public import Spec.Statements.Gradient
public import Spec.Statements.SsdValues
public import Spec.Statements.KernelValues
public import Spec.Statements.Mamba2Values
public import Spec.Program.Basic
public import Spec.Program.Sharp
public import Spec.Program.Causal
public import Spec.Program.Complete
public import Spec.Program.Views
public import Spec.Program.Products
public import Spec.Program.Mask
public import Spec.Program.Mamba
public import Spec.Statements.Program

/-!
# scanproof

Reference list runners of state-space sequence models, and theorems about them.
-/
