"""How other libraries' modules map onto the specs; each adapter imports its library only when used."""
