"""The binary interface of seL4 16 MCS on riscv64: what the kernel and user programs both know.

Numbers and layouts only, one file an idea, from the public interface definitions (the manual and libsel4).
"""
