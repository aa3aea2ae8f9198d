"""What must hold of the kernel's memory whenever no kernel code runs, as predicates that can be executed.

    census     the walker: every object that can be reached, found from the kernel's state
    naming     what objects and capabilities are called in messages
    extent     which memory an object takes
    family     who is whose child in the derivation order
    a file per subject: derivation, lifetime, untypeds, threads, queues, ready, release, contexts, replies, address_spaces
    check      all of them together
    watch      all of them, after every kernel exit

An invariant is a function from the census to violations. Its docstring says in words what must hold.
"""
